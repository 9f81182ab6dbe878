"""unfold from Python: submit jobs, wait for them, and read what they made.

    import unfold

    client = unfold.Client()                       # $UNFOLD_SERVER, or the socket of `unfold up`
    job = client.submit_extraction(image="preproc-r0-00051060.fits", psf="psf-r0-00051060.fits",
                                   output="frame-r0-00051060.fits", wavelength=(5760, 7620, 0.8))
    frame = job.wait().result()
    frame.arrays["FLUX"]                           # NumPy, [fibres, bins]
    frame.hdus                                     # astropy.io.fits.HDUList

Fields of the specs are those of unfold/v1/types.proto, by name.
"""

from .client import Client, Job
from .errors import JobFailed, UnfoldError
from .product import Product

__all__ = ["Client", "Job", "JobFailed", "Product", "UnfoldError"]
