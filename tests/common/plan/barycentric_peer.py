"""Barycentric factors from astropy, for barycentric_test.cc: reads lines "ra dec mjd" on stdin,
writes one factor a line. Exit 77 where astropy is absent."""
import sys
import warnings

try:
    import astropy.constants
    import astropy.units as u
    from astropy.coordinates import EarthLocation, SkyCoord
    from astropy.time import Time
    from astropy.utils import iers
except ImportError:
    sys.exit(77)

warnings.simplefilter("ignore")  # dates outside the offline Earth rotation tables
iers.conf.auto_download = False
iers.conf.auto_max_age = None

kpno = EarthLocation.from_geodetic(lat=31.96403 * u.deg, lon=-111.59989 * u.deg, height=2097 * u.m)
for line in sys.stdin:
    ra, dec, mjd = map(float, line.split())
    target = SkyCoord(ra=ra * u.deg, dec=dec * u.deg, frame="icrs")
    v = target.radial_velocity_correction("barycentric", obstime=Time(mjd, format="mjd"),
                                          location=kpno)
    print(repr(float(1 + (v / astropy.constants.c).to_value(u.one))))
