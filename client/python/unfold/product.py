"""A job's products as arrays."""

from __future__ import annotations

import functools
import pathlib
import typing

import numpy.typing as npt

if typing.TYPE_CHECKING:
    from astropy.io import fits


Array = npt.NDArray[typing.Any]


class Product:
    """A published file. FITS (spectra, maps) and HDF5 (maps, densities) are read when first asked for."""

    def __init__(self, path: pathlib.Path, summary: dict[str, float]) -> None:
        self.path = path
        self.summary = summary  #: the product's own numbers: chi2_per_dof, bins, ...

    def __repr__(self) -> str:
        return f"Product({str(self.path)!r})"

    @property
    def is_fits(self) -> bool:
        return self.path.name.removesuffix(".gz").endswith((".fits", ".fit"))

    @functools.cached_property
    def hdus(self) -> fits.HDUList:
        """The file as astropy has it, all of it in memory."""
        from astropy.io import fits

        if not self.is_fits:
            raise TypeError(f"{self.path} is no FITS file [use .arrays]")
        with fits.open(self.path, memmap=False) as hdus:
            return fits.HDUList([hdu.copy() for hdu in hdus])

    @functools.cached_property
    def arrays(self) -> dict[str, Array]:
        """Images of a FITS file by EXTNAME (its first has none: "PRIMARY"); datasets of an HDF5 file by path."""
        if self.is_fits:
            return {hdu.name: hdu.data for hdu in self.hdus if hdu.is_image and hdu.data is not None}
        import h5py

        found: dict[str, Array] = {}

        def take(name: str, item: object) -> None:
            if isinstance(item, h5py.Dataset):
                found[name] = item[()]

        with h5py.File(self.path, "r") as file:
            file.visititems(take)
        return found
