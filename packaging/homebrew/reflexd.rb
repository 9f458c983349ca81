# A formula for Homebrew. `url` and `sha256` are those of a release's sdist and are filled in when there is one;
# `brew update-python-resources` writes the resources. Not run on a Mac.
class Reflexd < Formula
  include Language::Python::Virtualenv

  desc "Local cache between coding agents and the LLM providers they pay"
  homepage "https://example.invalid/reflexd"
  url "https://example.invalid/reflexd-0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license "Apache-2.0"

  depends_on "python@3.13"

  def install
    virtualenv_install_with_resources
    generate_completions_from_executable(bin/"reflexd", "completions")
  end

  service do
    run [opt_bin/"reflexd", "serve"]
    keep_alive crashed: true
    log_path var/"log/reflexd.log"
    error_log_path var/"log/reflexd.log"
  end

  test do
    system bin/"reflexd", "demo", "--json"
  end
end
