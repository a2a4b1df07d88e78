#!/usr/bin/env python3
"""Optional: checks that a tokenizer.json of ours gives the same ids in Hugging Face's library.

usage: check_tokenizer_hf.py DATASET_FOLDER TEXT_FILE     (pip install tokenizers)
DATASET_FOLDER was made from TEXT_FILE by `causeway data prepare`, with a val_fraction of 0 (a split
cuts pairs that BPE would merge). Its tokens are compared with those that the library makes of the text, then decoded and compared with the text.
"""
import json
import pathlib
import struct
import sys

import tokenizers


def shard_tokens(path):
    data = path.read_bytes()
    magic, _, count = struct.unpack_from("<3i", data)
    code = {20240520: "H", 20240801: "I"}[magic]
    return list(struct.unpack_from(f"<{count}{code}", data, 1024))


def main():
    folder, text_file = map(pathlib.Path, sys.argv[1:3])
    info = json.loads((folder / "dataset.json").read_text())
    files = info["train"] + info["val"]
    ours = [t for f in files for t in shard_tokens(folder / f["name"])]
    text = text_file.read_bytes().decode("utf-8")
    library = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    # A document begins with the end-of-text token where the tokenizer has one; compare without.
    end = info["tokenizer"]["end_of_text"]
    if end is not None and ours[0] == end:
        ours = ours[1:]
    theirs = library.encode(text, add_special_tokens=False).ids
    assert library.get_vocab_size() == info["tokenizer"]["vocab_size"]
    assert theirs == ours, f"{len(theirs)} ids of theirs differ from {len(ours)} of ours"
    assert library.decode(ours) == text, "the decoded text differs"
    print(f"{folder}: {len(ours)} ids and the text agree with tokenizers {tokenizers.__version__}")


if __name__ == "__main__":
    main()
