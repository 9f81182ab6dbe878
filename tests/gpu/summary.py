"""A table and a JSON file of a CTest JUnit report (suites with passed, failed and skipped counts) and
of what benchmarks printed (JSON, an object a file; one that cannot be read has failed)."""
import argparse
import collections
import json
import pathlib
import re
import xml.etree.ElementTree as xml


def suites_of(junit):
    suites = collections.defaultdict(lambda: {"passed": 0, "failed": 0, "skipped": 0, "seconds": 0.0})
    for case in xml.parse(junit).iter("testcase"):
        typed = re.search(r"<.*::(\w+(?:<.*>)?)>$", case.get("name"))
        suite = suites[case.get("name").split(".")[0] + (f" {typed[1]}" if typed else "")]
        suite["seconds"] += float(case.get("time", 0))
        if case.find("failure") is not None:
            suite["failed"] += 1
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            suite["skipped"] += 1
        else:
            suite["passed"] += 1
    return suites


def bench_of(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {"failed": path.read_text(encoding="utf-8")[-200:]}


def numbers(values, prefix=""):
    """Names, with those of the objects around, and values of one benchmark."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from numbers(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def print_table(device, suites, total, benches):
    width = max(map(len, suites), default=5)
    print(f"device: {device}")
    print(f"{'suite':<{width}}  passed  failed  skipped  seconds")
    for name, s in sorted(suites.items()):
        print(f"{name:<{width}}  {s['passed']:>6}  {s['failed']:>6}  {s['skipped']:>7}  {s['seconds']:>7.2f}")
    print(f"total: {total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    for bench, values in benches.items():
        rows = list(numbers(values))
        width = max(len(name) for name, _ in rows)
        print(f"{bench}")
        for name, value in rows:
            print(f"  {name:<{width}}  {value}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--junit", required=True)
    parser.add_argument("--device", required=True)
    parser.add_argument("--json", required=True)
    parser.add_argument("--benches", nargs="*", type=pathlib.Path, default=[])
    options = parser.parse_args(arguments)
    suites = suites_of(options.junit)
    total = {k: sum(s[k] for s in suites.values()) for k in ("passed", "failed", "skipped")}
    benches = {path.stem: bench_of(path) for path in options.benches}
    print_table(options.device, suites, total, benches)
    with open(options.json, "w", encoding="utf-8") as out:
        json.dump({"tier": "kernels", "device": options.device, "total": total, "suites": suites,
                   "benches": benches}, out, indent=2)
        out.write("\n")


if __name__ == "__main__":
    main()
