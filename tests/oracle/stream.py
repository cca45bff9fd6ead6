#!/usr/bin/env python3
"""Judges many bundles in one process: reads frames from stdin, answers with one level a line.

usage: stream.py [--policy FILE]
A frame is the length of a bundle (8 bytes, big-endian) and its bytes.
"""

import argparse
import sys

from bundle import Bundle
from strict import Reject
from verify import read, verify


def judge(data, policy):
    try:
        return verify(Bundle(data), policy)["level"]
    except Reject:
        return "INVALID"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--policy")
    args = parser.parse_args()
    policy = read(args.policy) if args.policy else None
    source = sys.stdin.buffer
    while length := source.read(8):
        print(judge(source.read(int.from_bytes(length, "big")), policy), flush=True)


if __name__ == "__main__":
    main()
