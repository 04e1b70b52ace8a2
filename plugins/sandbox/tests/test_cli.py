import os
import signal
import subprocess
import sys

import pytest
import urllib3

SANDBOX = [sys.executable, "-m", "downspout_sandbox.cli"]
SHOW = "import os; print(*(f'{n}={v}' for n, v in os.environ.items() if n.startswith('DOWNSPOUT')), sep='\\n')"


def _run(*arguments, **more):
    return subprocess.run([*SANDBOX, *arguments], capture_output=True, text=True, timeout=30, **more)


def test_a_command_runs_with_the_environment_and_gives_its_status():
    done = _run("run", "--service", "koodrive", "--link-life", "5", "--", sys.executable, "-c", SHOW)
    assert (done.returncode, done.stderr) == (0, "")
    names = {line.partition("=")[0] for line in done.stdout.splitlines()}
    assert {"DOWNSPOUT_ALLOW_INSECURE", "DOWNSPOUT_KOODRIVE_ENDPOINT"} <= names
    assert "DOWNSPOUT_ORACLE_ENDPOINT" not in names
    assert _run("run", "--service", "koodrive", "--", sys.executable, "-c", "exit(7)").returncode == 7
    kill = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert _run("run", "--service", "koodrive", "--", sys.executable, "-c", kill).returncode == 137


def test_the_commands_own_options_are_not_ours():
    done = _run("run", "--service", "esignon", sys.executable, "-c", "print('--rate')", "--rate")
    assert (done.returncode, done.stdout) == (0, "--rate\n")


def test_a_command_is_told_to_stop_when_we_are():
    script = "import time; print('started', flush=True); time.sleep(60)"
    process = subprocess.Popen(
        [*SANDBOX, "run", "--service", "esignon", "--", sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
        assert process.returncode == 143
    finally:
        process.kill()
        process.wait()


def test_wrong_usage_is_told_in_one_line():
    for arguments, said in (
        (["--rate", "fast", "--", "true"], "The switch rate is a number, not fast."),
        (["--service", "dropbox", "--", "true"], "dropbox"),
        (["--no-such-switch", "--", "true"], "no-such-switch"),
        ([], "COMMAND"),
    ):
        done = _run("run", *arguments)
        assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (2, True, False)
    done = _run("run", "--service", "koodrive", "--", "/no/such/command")
    assert (done.returncode, "does not start" in done.stderr) == (1, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop(number):
    process = subprocess.Popen(
        [*SANDBOX, "serve", "--service", "oracle", "--sign-in"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        lines = []
        while not lines or not lines[-1].startswith("# try:"):
            lines.append(process.stdout.readline())
            assert lines[-1], process.stderr.read()
        found = dict(
            line.removeprefix("export ").strip().split("=", 1) for line in lines if line.startswith("export")
        )
        assert any("access code test12345" in line for line in lines if line.startswith("# "))
        with urllib3.PoolManager() as pool:
            assert pool.request("GET", f"{found['DOWNSPOUT_ORACLE_ENDPOINT']}/documents/api/1.2/").status == 404
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (0, "", "")
    finally:
        process.kill()
        process.wait()


def test_what_it_prints_is_for_a_shell(tmp_path):
    script = f"""
    "$@" serve --service esignon --service koodrive --tls > {tmp_path}/env &
    while ! grep -q '# try:' {tmp_path}/env; do sleep 0.05; done
    . {tmp_path}/env
    kill $!
    wait $!
    printf '%s\\n' "$DOWNSPOUT_ESIGNON_PASSWORD" "$DOWNSPOUT_ESIGNON_CLIENT_ID" "$DOWNSPOUT_CA_BUNDLE"
    """
    done = subprocess.run(
        ["sh", "-c", script, "sh", *SANDBOX], capture_output=True, text=True, timeout=30, env=dict(os.environ)
    )
    password, client, bundle = done.stdout.splitlines()
    assert (password, client[0], len(client)) == ("correct horse battery", "*", 41)
    assert bundle.endswith(".pem")
    assert not os.path.exists(bundle)
