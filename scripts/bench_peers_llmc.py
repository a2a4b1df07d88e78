"""llm.c's CPU program as a peer: built from a copy of its checkout, with the common weights in its
own format. Read next: bench_peers_llmc.c, bench_peers_work.py (Process)."""
import array
import itertools
import json
import shutil
import struct
import subprocess

from bench_peers_work import ENVIRONMENT, SCRIPTS, Absent, Process

CLONE = "git clone https://github.com/karpathy/llm.c, and name it with --llmc"


class LlmcPeer(Process):
    def __init__(self, args, model, folder):
        if not args.llmc:
            raise Absent(f"no --llmc CHECKOUT: {CLONE}")
        copy = folder / "llmc"
        if not copy.exists():
            build_llmc(args.llmc, copy)
        write_llmc_weights(folder / "init", folder / "llmc.bin", model)
        command = [copy / "test_gpt2", folder / "llmc.bin", folder / "batches.bin", model.B,
                   model.T, model.lr]
        threads = ["env", f"OMP_NUM_THREADS={args.threads}"]
        super().__init__("llmc", threads + list(map(str, command)), model, folder)


def build_llmc(checkout, copy):
    """With its Makefile's flags. Our main stands where its test's was: both include the trainer."""
    copy.mkdir()
    for name in ["Makefile", "train_gpt2.c", "llmc"]:
        if not (checkout / name).exists():
            raise Absent(f"{checkout} has no {name}, so it is no checkout of llm.c: {CLONE}")
        subprocess.run(["cp", "-rL", checkout / name, copy / name], check=True)
    shutil.copy(SCRIPTS / "bench_peers_llmc.c", copy / "test_gpt2.c")
    if not shutil.which("make"):
        raise Absent("make is missing: install it")
    compilers = [c for c in ["clang", "gcc", "cc"] if shutil.which(c)]
    for compiler in compilers:  # its own choice first; clang may lack OpenMP
        made = subprocess.run(["make", "-C", copy, "test_gpt2", f"CC={compiler}"], env=ENVIRONMENT,
                              capture_output=True, text=True)
        if made.returncode == 0 and "OpenMP found" in made.stdout:
            print(f"llm.c: built with {compiler} and OpenMP", flush=True)
            return
    if not compilers:
        raise Absent("there is no C compiler: install gcc, or clang with libomp")
    log = copy.parent.parent / "llmc-build.log"
    log.write_text(made.stdout + made.stderr)
    raise Absent(f"make with {' or '.join(compilers)} and OpenMP failed: install gcc, or clang "
                 f"with libomp (log: {log})")


def read_safetensors(path):
    """Name -> (shape, array of float), f32 only."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        begin, tensors = file.tell(), {}
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            file.seek(begin + entry["data_offsets"][0])
            numbers = array.array("f")
            numbers.fromfile(file, (entry["data_offsets"][1] - entry["data_offsets"][0]) // 4)
            tensors[name.removeprefix("transformer.")] = (entry["shape"], numbers)
    return tensors


def write_llmc_weights(init, path, model):
    config = json.loads((init / "config.json").read_text())
    padded = -(-model.vocab // 128) * 128
    width, layers = config["n_embd"], range(config["n_layer"])
    tensors = read_safetensors(init / "model.safetensors")

    def plain(name):
        return tensors[name][1]

    def transposed(name):
        (rows, cols), numbers = tensors[name]
        assert rows * cols == len(numbers)
        columns = (numbers[c::cols] for c in range(cols))
        return array.array("f", itertools.chain.from_iterable(columns))

    with open(path, "wb") as out:
        out.write(struct.pack("<8i", 20240326, 3, model.T, model.vocab, config["n_layer"],
                              config["n_head"], width, padded).ljust(1024, b"\0"))
        plain("wte.weight").tofile(out)
        out.write(bytes(4 * (padded - model.vocab) * width))
        plain("wpe.weight").tofile(out)
        for part, read in [("ln_1.weight", plain), ("ln_1.bias", plain),
                           ("attn.c_attn.weight", transposed), ("attn.c_attn.bias", plain),
                           ("attn.c_proj.weight", transposed), ("attn.c_proj.bias", plain),
                           ("ln_2.weight", plain), ("ln_2.bias", plain),
                           ("mlp.c_fc.weight", transposed), ("mlp.c_fc.bias", plain),
                           ("mlp.c_proj.weight", transposed), ("mlp.c_proj.bias", plain)]:
            for layer in layers:
                read(f"h.{layer}.{part}").tofile(out)
        plain("ln_f.weight").tofile(out)
        plain("ln_f.bias").tofile(out)
