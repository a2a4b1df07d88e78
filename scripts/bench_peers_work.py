"""What bench_peers compares: the batches, the common weights, and the programs, each of which can
train a round of steps and tell their seconds and losses. Read next: bench_peers,
bench_peers_llmc.py."""
import array
import dataclasses
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "scripts"
SEED = 1337
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}


class Absent(Exception):
    """A peer that can not be measured here: why, and what would help."""


# What a log says -> what would help.
REMEDIES = {
    "No module named 'torch'": "PYTHON -m pip install torch, or name another with --python",
    "Python.h": "torch.compile builds C++: install this Python's headers (Debian: python3-dev)",
    "No working C++ compiler": "torch.compile builds C++: install g++",
    "InvalidCxxCompiler": "torch.compile builds C++: install g++",
    "No such file or directory: 'g++'": "torch.compile builds C++: install g++",
    "DefaultCPUAllocator": "memory is short: leave this model out with --models",
    "No space left on device": "make room, or name another folder with --work",
}


def explained(code, log):
    """How a child ended, in a line: its last words, what would help, and where all of it is."""
    text = log.read_text(errors="replace").strip()
    lines = [line for line in text.splitlines() if line.strip()]
    told = [remedy for sign, remedy in REMEDIES.items() if sign in text]
    if code == -9:
        told.append("something killed it: likely memory is short")
    error = [line for line in lines if "error" in line.lower()] or lines
    return f"exit {code}: {' '.join(error[-1:])} ({'; '.join(told[:1] + [f'log: {log}'])})"


@dataclasses.dataclass(frozen=True)
class Model:
    name: str
    config: str  # the shape, and the length of a sequence where it is not overridden
    B: int
    T: int
    vocab: int
    lr: float
    steps: int

    def overrides(self, folder):
        """The config's model without what one of the three lacks: dropout, clipping, schedules,
        decay of some parameters only."""
        return [f"data.source={folder / 'data'}", "data.tokenizer=auto", "device=cpu",
                f"model.vocab_size={self.vocab}", f"model.block_size={self.T}", "model.bias=true",
                "model.dropout=0", f"train.global_batch_size={self.B}",
                f"train.micro_batch_size={self.B}", "train.max_grad_norm=0",
                "schedule.kind=constant", "schedule.warmup_steps=0", "schedule.min_lr=0",
                "optimizer.betas=[0.9,0.95]", "optimizer.weight_decay=0", "eval.every=0",
                "sample.every=0", "checkpoint.every=0", "log.every=1",
                f"run.dir={folder / 'runs'}", f"run.seed={SEED}"]


# ---- batches: data/loader.h's law of positions for epoch 0, from its words


def philox(purpose, layer, index, block):
    """Philox4x32-10 as core/philox.h keys it."""
    c = [block, purpose << 24 | layer, index & 0xffffffff, index >> 32]
    k = [SEED & 0xffffffff, SEED >> 32]
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [p1 >> 32 ^ c[1] ^ k[0], p1 & 0xffffffff, p0 >> 32 ^ c[3] ^ k[1], p0 & 0xffffffff]
        k = [(k[0] + 0x9E3779B9) & 0xffffffff, (k[1] + 0xBB67AE85) & 0xffffffff]
    return c


DATA_ORDER, DATA_SHIFT = 2, 3  # enum RandomPurpose


def permuted(i, n):
    half = max(1, ((n - 1).bit_length() + 1) // 2)
    mask = (1 << half) - 1
    while True:
        left, right = i >> half, i & mask
        for turn in range(8):
            left, right = right, left ^ philox(DATA_ORDER, turn, 0, right)[0] & mask
        i = left << half | right
        if i < n:
            return i


def batches(tokens, model):
    """int32 (steps, B, T + 1): what our loader gives to the steps of a round."""
    windows = (len(tokens) - model.T) // model.T
    shift = philox(DATA_SHIFT, 0, 0, 0)[0] * model.T >> 32
    out = array.array("i")
    for g in range((model.steps + 1) * model.B):
        start = permuted(g, windows) * model.T + shift
        out.extend(tokens[start:start + model.T + 1])
    return out


def prepare(args, model, folder):
    """data/tokens.bin for causeway, batches.bin for the others, init/ with the common weights."""
    (folder / "data").mkdir(parents=True)
    # Skewed, so that there is something to learn: losses that fall alike prove more.
    chance = random.Random(SEED)
    count = (model.steps + 3) * model.B * model.T
    tokens = [int(model.vocab * chance.random() ** 3) for _ in range(count)]
    with open(folder / "data" / "train_0.bin", "wb") as out:  # llm.c's format
        out.write(struct.pack("<3i", 20240520, 1, count).ljust(1024, b"\0"))
        array.array("H", tokens).tofile(out)
    with open(folder / "batches.bin", "wb") as out:
        batches(tokens, model).tofile(out)
    # A step this small leaves the initial weights as they are.
    train(args, model, folder, "first", ["train.max_steps=1", "train.precision=fp32",
                                         "optimizer.lr=1e-30"])
    saved = next((folder / "runs" / "first" / "checkpoints").glob("step-*"))
    shutil.move(saved, folder / "init")
    shutil.rmtree(folder / "runs")


# ---- ours


def train(args, model, folder, name, more):
    """A whole run of the program; its resource usage."""
    command = [args.program, "train", ROOT / model.config, *model.overrides(folder),
               f"run.name={name}", f"train.threads={args.threads}", *more]
    with open(folder / f"{name}.log", "ab") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, env=ENVIRONMENT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"bench_peers: causeway failed:\n{(folder / f'{name}.log').read_text()}")
    return usage


class Ours:
    """Each round is a run of its own, from the common weights."""

    def __init__(self, args, model, precision, folder):
        self.args, self.model, self.folder, self.peak = args, model, folder, 0
        self.more = [f"run.init_from={folder / 'init'}", f"train.precision={precision}",
                     f"optimizer.lr={model.lr}", f"train.max_steps={model.steps + 1}"]

    def round(self):
        usage = train(self.args, self.model, self.folder, "ours", self.more)
        self.peak = max(self.peak, usage.ru_maxrss * 1024)
        run = self.folder / "runs" / "ours"

        def column(file, key):
            return [json.loads(line)[key] for line in (run / file).read_text().splitlines()]
        result = {"seconds": column("timing.jsonl", "seconds")[1:],
                  "losses": column("metrics.jsonl", "loss")}
        shutil.rmtree(run)
        return result

    def peak_bytes(self):
        return self.peak


# ---- peers: a process that stays; for every number on its input it trains so many steps and
# answers with {"seconds": [...], "losses": [...]}


class Process:
    def __init__(self, name, command, model, folder):
        # Beside the folder, which goes when the model is done.
        self.steps, self.log = model.steps, folder.parent / f"{model.name}-{name}.log"
        with open(self.log, "wb") as log:
            try:
                self.child = subprocess.Popen(command, stdin=subprocess.PIPE,
                                              stdout=subprocess.PIPE, stderr=log,
                                              env=ENVIRONMENT, text=True)
            except OSError as why:
                raise Absent(f"{command[0]} does not run ({why.strerror}): name another, --help "
                             "says how") from why
        self.first = self.ask(model.steps + 1)

    def ask(self, steps):
        try:
            self.child.stdin.write(f"{steps}\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            pass  # the log says why, below
        answer = next((line for line in self.child.stdout if line.startswith("{")), None)
        if answer is None:
            self.child.wait()
            raise Absent(explained(self.child.returncode, self.log))
        return json.loads(answer)

    def round(self):
        """The first round has the losses that are compared; later ones train on."""
        answer = self.ask(self.steps + 1)
        losses, self.first = (self.first or answer)["losses"], None
        return {"seconds": answer["seconds"][1:], "losses": losses}

    def peak_bytes(self):
        self.child.stdin.close()
        _, status, usage = os.wait4(self.child.pid, 0)
        self.child.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_maxrss * 1024


class TorchPeer(Process):
    def __init__(self, args, model, precision, folder, mode):
        command = [args.python, SCRIPTS / "bench_peers_torch.py", folder / "init",
                   folder / "batches.bin", mode, precision, model.B, model.T, model.lr,
                   args.threads]
        super().__init__(f"torch-{mode}-{precision}", list(map(str, command)), model, folder)
