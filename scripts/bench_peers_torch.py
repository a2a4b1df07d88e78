#!/usr/bin/env python3
"""Steps of a GPT-2 in PyTorch on the CPU, from a folder of causeway's weights, timed.

usage: bench_peers_torch.py CHECKPOINT BATCHES.bin eager|compile fp64|fp32|bf16 B T LR THREADS
For every number on standard input it trains so many steps and prints one line of JSON. What a
user of PyTorch would write: scaled_dot_product_attention, fused AdamW, autocast for bf16. fp64
tells how far the others are off (bench_peers, TOLERANCE).
Read next: bench_peers_work.py (Process).
"""
import json
import pathlib
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):  # (B, T, C)
        b, t, c = x.shape
        q, k, v = (part.view(b, t, self.heads, c // self.heads).transpose(1, 2)
                   for part in self.qkv(self.ln_1(x)).split(c, dim=2))
        o = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(o.transpose(1, 2).reshape(b, t, c))
        return x + self.down(F.gelu(self.up(self.ln_2(x)), approximate="tanh"))


class Gpt2(nn.Module):
    def __init__(self, config):
        super().__init__()
        width = config["n_embd"]
        self.wte = nn.Embedding(config["vocab_size"], width)
        self.wpe = nn.Embedding(config["n_positions"], width)
        self.h = nn.ModuleList(Block(width, config["n_head"]) for _ in range(config["n_layer"]))
        self.ln_f = nn.LayerNorm(width)

    def forward(self, tokens, targets):  # (B, T) each
        x = self.wte(tokens) + self.wpe.weight[:tokens.shape[1]]
        for block in self.h:
            x = block(x)
        logits = F.linear(self.ln_f(x), self.wte.weight)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


# Of causeway's folder, which is a Hugging Face model -> ours.
NAMES = {"transformer.": "", "attn.c_attn": "qkv", "attn.c_proj": "proj", "mlp.c_fc": "up",
         "mlp.c_proj": "down"}


def load(folder):
    """The model with the weights of model.safetensors, f32."""
    model = Gpt2(json.loads((folder / "config.json").read_text()))
    data = bytearray((folder / "model.safetensors").read_bytes())
    begin = 8 + int.from_bytes(data[:8], "little")
    weights = {}
    for name, entry in json.loads(data[8:begin]).items():
        if name == "__metadata__":
            continue
        first, last = entry["data_offsets"]
        tensor = torch.frombuffer(data, dtype=torch.float32, count=(last - first) // 4,
                                  offset=begin + first).view(entry["shape"])
        if ".c_" in name and tensor.dim() == 2:
            tensor = tensor.t()  # Conv1D keeps (in, out)
        for theirs, mine in NAMES.items():
            name = name.replace(theirs, mine)
        weights[name] = tensor
    model.load_state_dict(weights)
    return model


def main():
    folder, batches, mode, precision, *numbers = sys.argv[1:]
    B, T, threads = int(numbers[0]), int(numbers[1]), int(numbers[3])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = load(pathlib.Path(folder))
    if precision == "fp64":
        model = model.double()
    optimizer = torch.optim.AdamW(model.parameters(), lr=float(numbers[2]), betas=(0.9, 0.95),
                                  eps=1e-8, weight_decay=0, fused=True)
    loss_of = torch.compile(model) if mode == "compile" else model
    rows = torch.frombuffer(bytearray(pathlib.Path(batches).read_bytes()), dtype=torch.int32)
    rows = rows.view(-1, B, T + 1).long()
    step = 0
    for line in sys.stdin:
        seconds, losses = [], []
        for _ in range(int(line)):
            batch = rows[step % len(rows)]
            tokens, targets = batch[:, :-1].contiguous(), batch[:, 1:].contiguous()
            begin = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                loss = loss_of(tokens, targets)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(loss.item())
            seconds.append(time.perf_counter() - begin)
            step += 1
        print(json.dumps({"seconds": seconds, "losses": losses}), flush=True)


if __name__ == "__main__":
    main()
