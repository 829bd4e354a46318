"""Prints what HashesTest holds the lab against: hashes, and the order that sets and 2.7's dicts keep their members in.

    for v in ...; do PYTHONHASHSEED=0 pythonV -S hashes.py; done > hashes.txt
"""
import sys

RELEASE = "%d.%d" % sys.version_info[:2]
VALUES = ("1000", "-1", "0", "2**61-1", "2**61+5", "-2**62", "2**70+3", "2**63-1", "-2**63", "-2**200-7", "1.5", "-0.25", "1000.0", "1e30", "0.1",
          "-3.5e-310", "1e300+0.0", "''", "'0'", "'0000012'", "'%075d' % 123", "b''", "b'\\0'", "b'\\0'*200", "()", "(1000,)", "(1000, '0000012')",
          "(1.5, (2, b'\\0\\0'))", "(0, 0, 0, 0, 0)")
for value in VALUES:
    print("%s|hash|%s|%d" % (RELEASE, value, hash(eval(value))))
for n in (5, 6, 7, 19, 20, 21, 22, 40):
    print("%s|ints|%d|%s" % (RELEASE, n, " ".join(str(x) for x in set([k * 1009 for k in range(n)]))))
    print("%s|texts|%d|%s" % (RELEASE, n, " ".join(set(["%08d" % k for k in range(n)]))))
    if RELEASE == "2.7":
        d = {}
        for k in range(n):
            d["a%d" % k] = k
        print("%s|dict|%d|%s" % (RELEASE, n, " ".join(d)))
