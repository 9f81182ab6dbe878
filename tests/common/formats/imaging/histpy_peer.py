"""Files as histpy and cosipy write them, for histpy_source_test. Usage: histpy_peer.py FOLDER

Bitshuffle is written here from its description (one bit of all elements after another), with LZ4
blocks made of literals alone, so that no plug-in is needed.
"""
import struct
import sys

try:
    import h5py
    import numpy as np
except ImportError:
    sys.exit(77)

folder = sys.argv[1]
random = np.random.default_rng(3)
E, M, PHI, NSIDE = 2, 3, 5, 1
SKY = CDS = 12 * NSIDE**2
EI, EM = np.array([100.0, 300, 600]), np.array([100.0, 200, 300, 600])
PHIS, TIMES = np.linspace(0, 180, PHI + 1), np.array([1000.0, 1600, 1900])
T = len(TIMES) - 1


def axis(group, index, label, edges, unit=None, scale="linear", frame=None, scheme="RING"):
    data = group.create_dataset(str(index), data=edges)
    data.attrs["label"], data.attrs["scale"] = label, scale
    sphere = frame is not None
    data.attrs["__class__"] = ["histpy.healpix_axis", "HealpixAxis"] if sphere else [
        "histpy.axis", "Axis"]
    if unit is not None:
        data.attrs["unit"] = unit
    if sphere:
        data.attrs["nside"], data.attrs["scheme"], data.attrs["coordsys"] = NSIDE, scheme, frame


def axes_of(group, labels, frame="galactic", units=None, scheme="RING"):
    units = {**dict(Time="s", Ei="keV", Em="keV", Phi="deg"), **(units or {})}
    edges = dict(Time=TIMES, Ei=EI, Em=EM, Phi=PHIS, ScAtt=np.arange(T + 1), lb=np.arange(SKY + 1),
                 NuLambda=np.arange(SKY + 1), PsiChi=np.arange(CDS + 1), Pol=np.arange(3.0))
    for i, label in enumerate(labels):
        sphere = label in ("lb", "NuLambda", "PsiChi")
        axis(group, i, label, edges[label], units.get(label), frame=frame if sphere else None,
             scheme=scheme)


def histogram(name, labels, values, unit=None, flow=False, sparse=False, chunks=None, **how):
    padded = np.pad(values, 1, constant_values=77) if flow else values
    with h5py.File(f"{folder}/{name}.h5", "w") as file:
        hist = file.create_group("hist")
        hist.attrs["format"] = how.pop("format", "coo" if sparse else "dense")
        if unit is not None:
            hist.attrs["unit"] = unit
        axes_of(hist.create_group("axes"), labels, **how)
        if not sparse:
            hist.create_dataset("contents", data=padded, chunks=chunks,
                                compression=None if chunks is None else "gzip")
            return
        contents = hist.create_group("contents")
        coords = np.array(np.nonzero(padded))
        order = random.permutation(coords.shape[1])
        contents.create_dataset("coords", data=coords[:, order], compression="gzip")
        contents.create_dataset("data", data=padded[tuple(coords[:, order])], compression="gzip")
        contents.create_dataset("shape", data=padded.shape)
        contents.create_dataset("fill_value", data=0.0)


def literals(block):
    """An LZ4 block that says `block` as it is."""
    length, extra = len(block), b""
    if length >= 15:
        rest = length - 15
        extra = b"\xff" * (rest // 255) + bytes([rest % 255])
    return bytes([min(length, 15) << 4]) + extra + block


def bitshuffle(values, block):
    """A chunk of filter 32008; `block` elements at once, a multiple of 8."""
    size = values.dtype.itemsize
    raw = values.tobytes()
    out = struct.pack(">QI", len(raw), block * size)
    at = 0
    while values.size - at >= 8:
        count = min(block, (values.size - at) // 8 * 8)
        part = np.frombuffer(raw[at * size:(at + count) * size], "u1").reshape(count, size)
        bits = np.unpackbits(part, axis=1, bitorder="little")
        packed = literals(np.packbits(bits.T, axis=1, bitorder="little").tobytes())
        out += struct.pack(">I", len(packed)) + packed
        at += count
    return out + raw[at * size:]


def drm_axes(drm, by_number, frame=None):
    group = drm.create_group("AXES")
    labels = ["NuLambda", "Ei", "Em", "Phi", "PsiChi"]
    if by_number:
        axes_of(group, labels, frame=frame or "spacecraftframe")
        return
    edges = [np.arange(SKY + 1), EI, EM, PHIS, np.arange(CDS + 1)]
    for label, edge in zip(labels, edges):
        data = group.create_dataset(label, data=edge)
        sphere = label in ("NuLambda", "PsiChi")
        data.attrs["TYPE"] = "healpix" if sphere else "linear"
        if sphere:
            data.attrs["NSIDE"], data.attrs["SCHEME"] = NSIDE, "ring"
        else:
            data.attrs["UNIT"] = "deg" if label == "Phi" else "keV"


def drm_counts(name, counts, area, unit, block=16, damage=None, values=(0, 4, 0, 0, 2), frame=None):
    with h5py.File(f"{folder}/{name}.h5", "w") as file:
        drm = file.create_group("DRM")
        drm.attrs["UNIT"], drm.attrs["SPARSE"], drm.attrs["VERSION"] = unit, False, 2
        drm_axes(drm, True, frame)
        drm.create_dataset("EFF_AREA", data=area)
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        chunk = (1, 1) + counts.shape[2:]
        plist.set_chunk(chunk)
        values = (values[0], values[1], counts.dtype.itemsize) + values[3:]
        plist.set_filter(32008, h5py.h5z.FLAG_OPTIONAL, values)
        space = h5py.h5s.create_simple(counts.shape)
        data = h5py.h5d.create(drm.id, b"COUNTS", h5py.h5t.py_create(counts.dtype), space, plist)
        for p in range(counts.shape[0]):
            for e in range(counts.shape[1]):
                if not counts[p, e].any():
                    continue  # a chunk that was never written
                packed = bytearray(bitshuffle(counts[p, e].ravel(), block))
                if damage is not None:
                    packed = damage(packed)
                plain = p == 3  # a chunk that the filter passed over
                if plain and damage is None:
                    packed = counts[p, e].tobytes()
                data.write_direct_chunk((p, e, 0, 0, 0), bytes(packed),
                                        filter_mask=1 if plain and damage is None else 0)


CDS_AXES = ["Em", "Phi", "PsiChi"]
RESPONSE_AXES = ["NuLambda", "Ei"] + CDS_AXES
response = random.uniform(0, 5, (SKY, E, M, PHI, CDS)) * (random.uniform(size=(SKY, E, M, PHI, CDS))
                                                          < 0.3)
counts = random.poisson(0.4, (M, PHI, CDS)).astype(float)
timed = random.poisson(0.4, (T, M, PHI, CDS)).astype(float)
background = random.uniform(0.1, 1, (M, PHI, CDS))
integer = random.poisson(3, response.shape)
integer[2] = 0
area = np.array([0.5, 2.0])

for flow in (False, True):
    for sparse in (False, True):
        tail = ("-flow" if flow else "") + ("-coo" if sparse else "")
        histogram("data" + tail, CDS_AXES, counts, flow=flow, sparse=sparse)
        histogram("response" + tail, RESPONSE_AXES, response, "cm2 s", flow=flow, sparse=sparse)
        histogram("background" + tail, CDS_AXES, background, flow=flow, sparse=sparse)
histogram("response-chunks", ["lb"] + RESPONSE_AXES[1:], response, "s cm2", chunks=(3, 1, 2, 5, 6))
histogram("timed", ["Time"] + CDS_AXES, timed, frame="spacecraftframe")
histogram("timed-galactic", ["Time"] + CDS_AXES, timed)
histogram("timed-background", ["Time"] + CDS_AXES, np.stack([background, 2 * background]),
          frame="spacecraftframe")
histogram("plain-background", CDS_AXES, background, frame="spacecraftframe")
histogram("scatt", ["ScAtt"] + CDS_AXES, timed)
histogram("half", CDS_AXES, counts + 0.5)
histogram("mev", CDS_AXES, counts, units=dict(Em="MeV"))
histogram("nested", CDS_AXES, counts, scheme="NESTED")
histogram("rate", CDS_AXES, counts, unit="1 / s")
histogram("gcxs", CDS_AXES, counts, format="gcxs")
histogram("m2", RESPONSE_AXES, response, "m2 s")
histogram("local", RESPONSE_AXES, response, "cm2 s", frame="spacecraftframe")
histogram("polarised", ["NuLambda", "Ei", "Pol"] + CDS_AXES, np.zeros((SKY, E, 2, M, PHI, CDS)),
          "cm2 s")
histogram("negative", RESPONSE_AXES, -response, "cm2 s")

for kind in ("u1", "u2", "u4"):
    drm_counts("counts-" + kind, integer.astype(kind), area, "cm2 s", frame="galactic")
drm_counts("counts-one-block", integer.astype("u2"), area, "cm2 s", block=1024, frame="galactic")
drm_counts("counts-cut", integer.astype("u1"), area, "cm2 s", damage=lambda b: b[:-9],
           frame="galactic")
drm_counts("counts-long", integer.astype("u1"), area, "cm2 s", damage=lambda b: b + b"12",
           frame="galactic")
drm_counts("counts-size", integer.astype("u1"), area, "cm2 s",
           damage=lambda b: b[:8] + b"\xff\xff\xff\xf8" + b[12:], frame="galactic")
drm_counts("counts-zstd", integer.astype("u1"), area, "cm2 s", values=(0, 4, 0, 0, 3),
           frame="galactic")
with h5py.File(f"{folder}/contents.h5", "w") as file:  # the first version
    drm = file.create_group("DRM")
    drm.attrs["UNIT"], drm.attrs["SPARSE"] = "cm2 s", False
    drm_axes(drm, False)
    drm.create_dataset("CONTENTS", data=response, compression="gzip", chunks=(3, 2, 3, 5, 6))
with h5py.File(f"{folder}/ragged.h5", "w") as file:
    drm = file.create_group("DRM")
    drm.attrs["UNIT"] = "cm2"
    drm_axes(drm, False)
    drm.create_dataset("BIN_NUMBERS", (SKY,), dtype=h5py.vlen_dtype(int))
    drm.create_dataset("CONTENTS", (SKY,), dtype=h5py.vlen_dtype(float))
EI = np.array([100.0, 600])  # an instrument's response of one Ei
drm_counts("instrument", integer[:, :1].astype("u1"), area[:1], "cm2")

pixel = np.full(SKY, 4 * np.pi / SKY)
np.savez(f"{folder}/expected.npz", counts=counts.ravel(), background=background.ravel(),
         response=(response * pixel[:, None, None, None, None]).ravel(), timed=timed.ravel(),
         integer=integer.astype(float).ravel(), instrument=integer[:, 0].astype(float).ravel())
