#!/usr/bin/env python3
"""Holds a checkpoint against Hugging Face's transformers: same tokens, same logits.

    causeway generate CHECKPOINT --logits-json logits.json
    scripts/check_hf.py CHECKPOINT logits.json

CHECKPOINT is a folder with config.json and model.safetensors; logits.json holds
{"tokens": [T ids], "logits": [T rows of V numbers]}. Prints the largest difference and exits with 1
when it is above --tolerance, or when transformers finds tensors missing or left over. Optional: the
project needs no Python. For an f32 checkpoint; bf16 rounds otherwise on every machine.
"""
import argparse
import json
import pathlib
import sys

TOLERANCE = 1e-4  # f32 sums in another order, on logits of a few units


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("logits", type=pathlib.Path, help="from causeway generate --logits-json")
    parser.add_argument("--tolerance", type=float, default=TOLERANCE)
    return parser.parse_args()


def load(folder):
    """The model in f32, and the names of tensors that do not match its class."""
    try:
        import torch
        import transformers
    except ImportError as missing:
        sys.exit(f"check_hf.py: {missing.name} is missing; pip install torch transformers")
    config = json.loads((folder / "config.json").read_text())
    if config["model_type"] == "causeway":
        sys.exit(f"check_hf.py: {folder} is no model that transformers has; "
                 "causeway ckpt show says why")
    model, info = transformers.AutoModelForCausalLM.from_pretrained(
        folder, output_loading_info=True, attn_implementation="eager")
    wrong = {kind: sorted(map(str, info[kind])) for kind in
             ("missing_keys", "unexpected_keys", "mismatched_keys") if info[kind]}
    print(f"{type(model).__name__} in transformers {transformers.__version__}, "
          f"torch {torch.__version__}")
    return model.float().eval(), wrong


def main():
    args = arguments()
    model, wrong = load(args.checkpoint)
    import torch
    ours = json.loads(args.logits.read_text())
    with torch.no_grad():
        theirs = model(torch.tensor([ours["tokens"]])).logits[0]
    expected = torch.tensor(ours["logits"])
    if expected.shape != theirs.shape:
        sys.exit(f"logits have shape {tuple(expected.shape)}, transformers gives "
                 f"{tuple(theirs.shape)}")
    difference = (expected - theirs).abs().max().item()
    print(f"{len(ours['tokens'])} tokens, {theirs.shape[1]} logits each: "
          f"max |difference| = {difference:.3g}, max |logit| = {theirs.abs().max().item():.3g}")
    for kind, names in wrong.items():
        print(f"{kind}: {', '.join(names)}")
    # Written so that a NaN fails.
    return 0 if not wrong and difference <= args.tolerance else 1


if __name__ == "__main__":
    sys.exit(main())
