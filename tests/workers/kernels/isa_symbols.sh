#!/usr/bin/env bash
# An object built for one instruction set may define nothing that the linker could take for the whole
# program: no weak, common or unique symbol, and no global one outside its own namespace.
#   isa_symbols.sh NM OBJECT...
set -eu
nm=$1; shift
bad=0
for object in "$@"; do
  level=$(basename "$object" | sed -E 's/^kernels_([a-z0-9]+)\.cc\.o(bj)?$/\1/')
  found=$("$nm" --defined-only "$object" | awk '$2 ~ /^[A-Zuvw]$/ {print $2, $3}' |
    grep -v -E "^[A-Z] _ZN6unfold(10extraction|7imaging|5nufft|3spi)${#level}${level}6kTableE\$" || true)
  if [ -n "$found" ]; then echo "$object defines: $found"; bad=1; fi
  "$nm" --defined-only "$object" | grep -q kTable || { echo "$object has no kernel table"; bad=1; }
done
exit $bad
