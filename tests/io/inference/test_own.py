"""A user's own models: what they compute, and in which words one that cannot be used is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from reflexd_io.inference import choose, own
from reflexd_io.inference.errors import CannotCompare, UnusableModel
from support import tiny

A = "how do i sort a list descending in python"
B = "how to sort a list ascending in rust how do i sort"

BACKENDS = ["cpu", "mlx"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_bert_embeds_as_the_reference_does(backend: str, tmp_path: Path) -> None:
    """By the mean, as sentence-transformers has it without a pooling configuration."""
    model = own.embedder(tiny.write(tmp_path, tiny.BERT, tiny.bert()), backend)
    found = model.embed([A])[0]
    np.testing.assert_allclose(found[:6], [-0.4077, -0.050103, 0.180549, 0.111453, -0.020917, -0.31195], atol=1e-5)
    assert np.linalg.norm(found) == pytest.approx(1)
    facts = model.facts
    assert (facts.backend, facts.dimension, facts.max_tokens, facts.calibrated) == (backend, 16, 40, False)


def test_pooling_by_the_first_token_is_read(tmp_path: Path) -> None:
    folder = tiny.write(tmp_path, tiny.BERT, tiny.bert())
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps(
            {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False, "word_embedding_dimension": 16}
        )
    )
    found = own.embedder(folder, "cpu").embed([A])[0]
    np.testing.assert_allclose(found[:6], [-0.359305, 0.014047, 0.180517, 0.134734, 0.021537, -0.393255], atol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_bert_judges_as_the_reference_does(backend: str, tmp_path: Path) -> None:
    """Two numbers there: 0.221129 and 2.009511."""
    model = own.verifier(tiny.write(tmp_path, tiny.BERT, tiny.bert(labels=2)), backend)
    (found,) = model.judge([(A, B)])
    assert found.strict == found.loose == pytest.approx(2.009511 - 0.221129, abs=1e-5)
    assert found.tags == ()
    assert model.calibration is None
    assert not model.facts.calibrated


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("pooling", "wanted"), [("mean", 1.795984), ("cls", -0.093511)])
def test_modernbert_judges_as_the_reference_does(pooling: str, wanted: float, backend: str, tmp_path: Path) -> None:
    config = tiny.MODERNBERT | {"classifier_pooling": pooling}
    model = own.verifier(tiny.write(tmp_path, config, tiny.modernbert()), backend)
    assert model.judge([(A, B)])[0].strict == pytest.approx(wanted, abs=1e-5)


def test_modernbert_as_newer_files_describe_it(tmp_path: Path) -> None:
    config = {name: value for name, value in tiny.MODERNBERT.items() if "theta" not in name and "every" not in name}
    config["layer_types"] = ["full_attention", "sliding_attention", "sliding_attention", "full_attention"]
    config["rope_parameters"] = {"full_attention": {"rope_theta": 160000.0}, "sliding_attention": {"rope_theta": 1e4}}
    model = own.verifier(tiny.write(tmp_path, config, tiny.modernbert()), "cpu")
    assert model.judge([(A, B)])[0].strict == pytest.approx(1.795984, abs=1e-5)


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_half_precision_is_read(half: str, tmp_path: Path) -> None:
    tensors = {
        name: tensor.astype(np.float16) if half == "float16" else (tensor.view(np.uint32) >> 16).astype(np.uint16)
        for name, tensor in tiny.bert(labels=1).items()
    }
    whole = own.verifier(tiny.write(tmp_path / "whole", tiny.BERT, tiny.bert(labels=1)), "cpu")
    halved = own.verifier(tiny.write(tmp_path / "half", tiny.BERT, tensors), "cpu")
    assert halved.judge([(A, B)])[0].strict == pytest.approx(whole.judge([(A, B)])[0].strict, abs=0.05)
    assert halved.facts.fingerprint != whole.facts.fingerprint


def test_nothing_is_cut_though_the_tokenizer_would(tmp_path: Path) -> None:
    """It says 12; the model reads 40."""
    model = own.embedder(tiny.write(tmp_path, tiny.BERT, tiny.bert()), "cpu")
    assert model.tokens.read("sort " * 30).count == 32
    long, longer = model.embed(["sort " * 30, "sort " * 30 + "rust"])
    assert (long != longer).any()
    with pytest.raises(CannotCompare, match="42 tokens"):
        model.embed(["sort " * 40])


@pytest.mark.parametrize("output", ["last_hidden_state", "sentence_embedding"])
@pytest.mark.parametrize("int32", [False, True])
def test_an_onnx_embedder(output: str, int32: bool, tmp_path: Path) -> None:
    model = own.embedder(tiny.onnx_model(tmp_path / "model.onnx", output=output, int32=int32), "cpu")
    found = model.embed([A, B])
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    table = np.random.default_rng(3).standard_normal((32, tiny.WIDTH)).astype(np.float32)
    mean = table[model.tokens.single(A).ids].mean(0)
    np.testing.assert_allclose(found[0], mean / np.linalg.norm(mean), atol=1e-5)
    assert model.facts.dimension == tiny.WIDTH


@pytest.mark.parametrize("numbers", [1, 2])
def test_an_onnx_cross_encoder(numbers: int, tmp_path: Path) -> None:
    model = own.verifier(tiny.onnx_model(tmp_path / "model.onnx", output="logits", numbers=numbers), "cpu")
    chance = np.random.default_rng(3)
    table, last = chance.standard_normal((32, tiny.WIDTH)), chance.standard_normal((tiny.WIDTH, numbers))
    numbers_there = table[model.tokens.pair(A, B).ids].mean(0) @ last
    wanted = numbers_there[-1] - (numbers_there[0] if numbers == 2 else 0)
    assert model.judge([(A, B)])[0].strict == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("place", [".", "model.onnx", "onnx", "onnx/model.onnx"])
def test_a_folder_or_a_file_may_be_named(place: str, tmp_path: Path) -> None:
    """The tokenizer lies beside the model, or above it, as shared repositories have it."""
    tiny.onnx_model(tmp_path / "m" / ("onnx/model.onnx" if "onnx/" in place or place == "onnx" else "model.onnx"))
    if "onnx/" in place:
        (tmp_path / "m" / "onnx" / "tokenizer.json").rename(tmp_path / "m" / "tokenizer.json")
    assert own.embedder(tmp_path / "m" / place, "cpu").facts.model in {"m", "onnx"}


def refusal(path: Path, backend: str = "cpu") -> str:
    with pytest.raises(UnusableModel) as caught:
        own.verifier(path, backend)
    return str(caught.value)


def test_missing_files_are_named(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "no model.onnx and no model.safetensors" in refusal(tmp_path / "empty")
    folder = tiny.write(tmp_path / "model", tiny.BERT, tiny.bert(labels=1))
    (folder / "tokenizer.json").unlink()
    assert "has no tokenizer.json" in refusal(folder)
    (tmp_path / "model.bin").write_bytes(b"torch")
    assert "neither an .onnx nor a .safetensors file" in refusal(tmp_path / "model.bin")


def test_files_that_were_cut_are_named(tmp_path: Path) -> None:
    folder = tiny.write(tmp_path / "model", tiny.BERT, tiny.bert(labels=1))
    whole = (folder / "model.safetensors").read_bytes()
    for size in (0, 4, 100, len(whole) - 10):
        (folder / "model.safetensors").write_bytes(whole[:size])
        assert "model.safetensors" in refusal(folder)
    (folder / "model.safetensors").write_bytes(b"\xff" * 200)
    assert "not a safetensors file" in refusal(folder)
    graph = tiny.onnx_model(tmp_path / "graph" / "model.onnx", output="logits")
    graph.write_bytes(graph.read_bytes()[:-300])
    assert "model.onnx cannot be loaded" in refusal(graph)
    (folder / "config.json").write_text("{")
    assert "config.json cannot be read" in refusal(folder)


def test_another_architecture_is_refused_by_name(tmp_path: Path) -> None:
    folder = tiny.write(tmp_path / "a", tiny.BERT | {"model_type": "xlm-roberta"}, tiny.bert(labels=1))
    assert "'xlm-roberta'" in refusal(folder)
    (folder / "config.json").unlink()
    assert "None" in refusal(folder)
    assert "has no classifier.weight" in refusal(tiny.write(tmp_path / "b", tiny.BERT, tiny.bert()))
    assert "has no embeddings.tok_embeddings.weight" in refusal(
        tiny.write(tmp_path / "c", tiny.MODERNBERT, tiny.bert())
    )
    folder = tiny.write(tmp_path / "d", tiny.BERT | {"hidden_act": "swish"}, tiny.bert(labels=1))
    assert "'swish'" in refusal(folder)
    assert "num_hidden_layers" in refusal(
        tiny.write(tmp_path / "e", tiny.BERT | {"num_hidden_layers": "two"}, tiny.bert(labels=1))
    )


def test_a_wrong_dimension_is_refused_with_both(tmp_path: Path) -> None:
    folder = tiny.write(tmp_path / "a", tiny.BERT | {"hidden_size": 32}, tiny.bert(labels=1))
    assert "word_embeddings.weight is 32 × 16, where its config.json means 32 × 32" in refusal(folder)
    folder = tiny.write(tmp_path / "b", tiny.BERT | {"intermediate_size": 25}, tiny.bert(labels=1))
    assert "24 × 16" in refusal(folder)


def test_anothers_tokenizer_is_refused(tmp_path: Path) -> None:
    folder = tiny.write(tmp_path, tiny.BERT | {"vocab_size": 8}, tiny.bert(labels=1))
    assert "knows 16 tokens, and the model 8" in refusal(folder)


@pytest.mark.parametrize("backend", BACKENDS)
def test_three_labels_are_no_verdict(backend: str, tmp_path: Path) -> None:
    assert "gives (1, 3) for one pair" in refusal(tiny.write(tmp_path, tiny.BERT, tiny.bert(labels=3)), backend)


def test_an_embedder_is_no_cross_encoder_nor_the_other_way_round(tmp_path: Path) -> None:
    assert "cannot be used as a cross-encoder" in refusal(tiny.onnx_model(tmp_path / "a" / "model.onnx"))
    with pytest.raises(UnusableModel, match="cannot be used as an embedder"):
        own.embedder(tiny.onnx_model(tmp_path / "b" / "model.onnx", output="logits", value=np.nan), "cpu")


def test_a_graph_that_wants_more_than_a_text_is_refused(tmp_path: Path) -> None:
    import onnx

    path = tiny.onnx_model(tmp_path / "model.onnx")
    graph = onnx.load(path)
    graph.graph.input[1].name = "pixel_values"
    onnx.save(graph, path)
    assert "wants pixel_values" in refusal(path)


def test_what_a_backend_cannot_read_it_says(tmp_path: Path) -> None:
    assert "MLX reads safetensors" in refusal(tiny.onnx_model(tmp_path / "a" / "model.onnx", output="logits"), "mlx")
    folder = tiny.write(tmp_path / "b", tiny.BERT, tiny.bert(labels=1))
    assert "with CUDA only ONNX graphs" in refusal(folder, "cuda")


@pytest.mark.parametrize(
    "config", [{"pooling_mode_max_tokens": True}, {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}]
)
def test_pooling_that_is_not_known_is_refused(config: dict[str, bool], tmp_path: Path) -> None:
    folder = tiny.write(tmp_path, tiny.BERT, tiny.bert())
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(config))
    with pytest.raises(UnusableModel, match="pooling by"):
        own.embedder(folder, "cpu")
    (folder / "2_Dense").mkdir()
    with pytest.raises(UnusableModel, match="2_Dense"):
        own.embedder(folder, "cpu")


def test_paths_of_the_settings_take_the_shipped_models_places(tmp_path: Path) -> None:
    embedder = tiny.write(tmp_path / "embedder", tiny.BERT, tiny.bert())
    verifier = tiny.write(tmp_path / "verifier", tiny.MODERNBERT, tiny.modernbert())
    loaded = choose.load("cpu", model_path=embedder, reranker_path=verifier)
    assert loaded.problems == ()
    assert loaded.embedder is not None
    assert loaded.verifier is not None
    assert (loaded.embedder.facts.model, loaded.verifier.facts.model) == ("embedder", "verifier")
    missing = choose.load("cpu", model_path=embedder, reranker_path=tmp_path / "none")
    assert missing.embedder is not None
    assert missing.verifier is None
    assert "does not exist" in missing.problems[0]
