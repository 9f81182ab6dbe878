"""A table and a JSON file of a CTest JUnit report: suites with passed, failed and skipped counts."""
import argparse
import collections
import json
import re
import xml.etree.ElementTree as xml

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--junit", required=True)
parser.add_argument("--device", required=True)
parser.add_argument("--json", required=True)
options = parser.parse_args()

suites = collections.defaultdict(lambda: {"passed": 0, "failed": 0, "skipped": 0, "seconds": 0.0})
for case in xml.parse(options.junit).iter("testcase"):
    typed = re.search(r"<.*::(\w+(?:<.*>)?)>$", case.get("name"))
    suite = suites[case.get("name").split(".")[0] + (f" {typed[1]}" if typed else "")]
    suite["seconds"] += float(case.get("time", 0))
    if case.find("failure") is not None:
        suite["failed"] += 1
    elif case.find("skipped") is not None or case.get("status") == "notrun":
        suite["skipped"] += 1
    else:
        suite["passed"] += 1

width = max(map(len, suites), default=5)
print(f"device: {options.device}")
print(f"{'suite':<{width}}  passed  failed  skipped  seconds")
for name, s in sorted(suites.items()):
    print(f"{name:<{width}}  {s['passed']:>6}  {s['failed']:>6}  {s['skipped']:>7}  {s['seconds']:>7.2f}")
total = {k: sum(s[k] for s in suites.values()) for k in ("passed", "failed", "skipped")}
print(f"total: {total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
with open(options.json, "w", encoding="utf-8") as out:
    json.dump({"tier": "kernels", "device": options.device, "total": total, "suites": suites}, out, indent=2)
    out.write("\n")
