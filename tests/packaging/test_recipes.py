"""Recipes for systems that are not at hand here: as much of each as can be read without them."""

import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from PIL import Image

from reflexd_io.cli import parser
from support.packages import PROGRAMS, REPOSITORY, made

PACKAGING = REPOSITORY / "packaging"


def _commands() -> set[str]:
    (commands,) = [action for action in parser()._actions if action.dest == "command"]
    assert commands.choices is not None
    return set(commands.choices)


def test_the_container_starts_a_command_there_is_and_asks_a_page_there_is() -> None:
    text = (PACKAGING / "container" / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line.partition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    known = {"FROM", "COPY", "RUN", "USER", "ENV", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
    assert {word for word, _, _ in lines} <= known
    said = {word: rest for word, _, rest in lines}
    assert shlex.split(said["ENTRYPOINT"].strip("[]")) == ["reflexd"]
    assert shlex.split(said["CMD"].strip("[]"))[0] in _commands()
    assert said["USER"] == "reflex"
    health = (REPOSITORY / "io_anyio/reflexd_io/health.py").read_text("utf-8")
    (page,) = re.findall(r"127\.0\.0\.1:8080(/\w+)", said["HEALTHCHECK"])
    assert f'"{page}"' in health


def test_the_container_is_given_all_that_the_wheel_is_made_of() -> None:
    lines = (PACKAGING / "container" / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    given = {line.removeprefix("!") for line in lines if line.startswith("!")}
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    rooms = {
        package.partition("/")[0] for package in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    }
    assert given == {*rooms, "pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}


def test_the_compose_file_names_what_is_there() -> None:
    path = PACKAGING / "container" / "compose.yaml"
    told = yaml.safe_load(path.read_text("utf-8"))
    daemon = told["services"]["reflexd"]
    context = (path.parent / daemon["build"]["context"]).resolve()
    assert context == REPOSITORY
    assert (context / daemon["build"]["dockerfile"]).exists()
    volumes = {volume.partition(":")[0] for volume in daemon["volumes"]}
    assert volumes == set(told["volumes"])


def test_docker_itself_takes_the_compose_file() -> None:
    line = ["docker", "compose", "-f", str(PACKAGING / "container" / "compose.yaml"), "config", "--quiet"]
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("docker compose is not installed")
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_formula_is_ruby_and_its_python_is_one_of_ours() -> None:
    path = PACKAGING / "homebrew" / "reflexd.rb"
    text = path.read_text("utf-8")
    (python,) = re.findall(r'depends_on "python@([\d.]+)"', text)
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"Programming Language :: Python :: {python}" in project["classifiers"]
    if shutil.which("ruby") is None:
        pytest.skip("ruby is not installed")
    done = subprocess.run(["ruby", "-wc", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "Syntax OK"), done.stderr


def test_the_windows_installer_takes_what_the_frozen_build_makes() -> None:
    text = (PACKAGING / "windows" / "reflex.iss").read_text("utf-8")
    programs = set(re.findall(r"\{app\}\\([\w-]+)\.exe", text))
    assert programs == {"reflex-tray", "reflexd"} <= set(PROGRAMS)
    (command,) = re.findall(r'Parameters: "(\w+)"', text)
    assert command in _commands()
    for source in re.findall(r"LicenseFile=(\S+)", text):
        assert (PACKAGING / "windows" / source.replace("\\", "/")).resolve().exists()
    sections = re.findall(r"^\[(\w+)\]$", text, re.MULTILINE)
    assert len(sections) == len(set(sections))


def test_the_macs_icon_holds_every_size(tmp_path: Path) -> None:
    made("uv", "run", "--no-sync", "python", "packaging/macos/icon.py", str(tmp_path / "reflex.icns"))
    with Image.open(tmp_path / "reflex.icns") as picture:
        assert picture.format == "ICNS"
        assert {width * scale for width, _, scale in picture.info["sizes"]} == {32, 64, 128, 256, 512, 1024}
