"""Arrays of every kind that numpy writes, for npz_test. Usage: make_npz.py FOLDER"""
import io
import sys
import zipfile

try:
    import numpy as np
except ImportError:
    sys.exit(77)

folder = sys.argv[1]
cube = np.arange(24.0).reshape(2, 3, 4)
arrays = dict(c=cube, f=np.asfortranarray(cube), f4=cube.astype("f4"), i8=cube.astype("i8"),
              u2=cube.astype("u2"), i1=-cube.astype("i1"), flag=cube > 5, scalar=np.float64(7.5),
              empty=np.zeros((0, 3)), nan=np.array([np.nan, 1.0]))
np.savez(f"{folder}/stored.npz", **arrays)
np.savez_compressed(f"{folder}/deflated.npz", **arrays)
np.savez(f"{folder}/object.npz", bad=np.array([{}], dtype=object), text=np.array(["a"]),
         complex=np.array([1j]), big=cube.astype(">f8"), fine=cube)
with zipfile.ZipFile(f"{folder}/wide.npz", "w") as wide:  # zip64 records, as for huge arrays
    for name, array in arrays.items():
        data = io.BytesIO()
        np.lib.format.write_array(data, np.asanyarray(array))
        with wide.open(f"{name}.npy", "w", force_zip64=True) as member:
            member.write(data.getvalue())
np.savez_compressed(f"{folder}/big.npz", zeros=np.zeros((300, 1000)),
                    ramp=np.sin(np.arange(300000.0)))
