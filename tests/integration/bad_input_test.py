"""Bad input is refused at submission: exit code 8, the field named, no job made, the service unharmed."""

import gzip
import unittest

from service import Service

BLOCK = 2880
CARD = 80


def edited(data, keyword, value, hdu=0):
    """The file with one fixed-format value replaced in the header of the given HDU."""
    at = -1
    for _ in range(hdu + 1):
        at = data.index(keyword.ljust(8).encode() + b"=", at + 1)
    card = f"{keyword:8}= {value:>20}".ljust(CARD).encode()
    return data[:at] + card + data[at + CARD:]


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.__exit__)
        cls.service.start_scheduler()
        cls.service.unfold("simulate", "extraction", "--camera", "r0", "--expid", 7, "--nspec", 25, "--wavelength", "6500,6540,0.8",
                           "--dir", cls.service.data)
        cls.image = cls.service.data / "preproc-r0-00000007.fits"
        cls.psf = cls.service.data / "psf-r0-00000007.fits"

    def submit(self, *arguments, image=None, psf=None, output="frame.fits"):
        given = ["-i", image or self.image, "-p", psf or self.psf, "-o", output]
        if not any(a in ("-w", "--wavelength") for a in arguments):
            given += ["-w", "6500,6540,0.8"]
        if not any(a in ("-n", "--nspec") for a in arguments):
            given += ["-n", "25"]
        return self.service.run("submit", "extraction", *given, *arguments)

    def refused(self, field, *arguments, **files):
        before = self.service.unfold("jobs", "--output-format", "json")
        done = self.submit(*arguments, **files)
        self.assertEqual(done.returncode, 8, f"{arguments} {files}: {done.stdout}{done.stderr}")
        self.assertIn(field, done.stderr)
        self.assertRegex(done.stderr, r"\(.+\) \[.+\]")  # problem (why) [what to do]
        self.assertEqual(done.stdout, "")
        self.assertEqual(self.service.unfold("jobs", "--output-format", "json"), before)

    def file(self, name, data):
        path = self.service.data / name
        path.write_bytes(data)
        return path

    def test_the_good_case_is_accepted(self):
        done = self.submit("--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_files_that_are_not_what_they_should_be(self):
        good = self.image.read_bytes()
        (self.service.data / "folder.fits").mkdir(exist_ok=True)
        packed = gzip.compress(good, 1)
        bad = {
            "absent": self.service.data / "absent.fits",
            "a folder": self.service.data / "folder.fits",
            "not FITS": self.file("text.fits", b"this is no FITS file\n" * 400),
            "empty": self.file("empty.fits", b""),
            "cut in the data": self.file("cut.fits", good[:BLOCK * 100 + 17]),
            "cut in the header": self.file("cut_header.fits", good[:1000]),
            "cut .gz": self.file("cut.fits.gz", packed[:len(packed) // 2]),
            "cut .gz trailer": self.file("trailer.fits.gz", packed[:-4]),
            "8 TB claimed": self.file("huge.fits", edited(edited(good, "NAXIS1", 2000000), "NAXIS2", 1000000)),
            "overflow claimed": self.file("overflow.fits", edited(edited(good, "NAXIS1", 9223372036854775807), "NAXIS2", 4)),
            "negative axis": self.file("negative.fits", edited(good, "NAXIS1", -5)),
            "other shape in IVAR": self.file("shape.fits", edited(edited(good, "NAXIS1", 4128, 1), "NAXIS2", 4114, 1)),
            "a PSF": self.psf,
            "outside the roots": "/etc/hostname",
            "extended syntax": f"{self.image}[1]",
            "a filter": f"{self.image}[col X=1]",
            "a pipe": "cat /etc/passwd|",
            "a URL": "http://localhost/x.fits",
            "memory": "mem://x",
        }
        for what, path in bad.items():
            with self.subTest(what):
                self.refused("image", image=path)

    def test_psfs_that_are_not_what_they_should_be(self):
        good = self.psf.read_bytes()
        bad = {
            "absent": self.service.data / "absent.fits",
            "an image": self.image,
            "cut": self.file("cut_psf.fits", good[:BLOCK * 20 + 1]),
            "of another CCD": self.file("other_ccd.fits", edited(good, "NPIX_X", 2000)),
            "NaN in the header": self.file("nan.fits", edited(good, "WAVEMIN", "NaN")),
            "outside the roots": "/etc/hostname",
        }
        for what, path in bad.items():
            with self.subTest(what):
                self.refused("psf", psf=path)

    def test_values_out_of_range(self):
        for field, arguments in (
            ("wavelength", ["-w", "6540,6500,0.8"]),
            ("wavelength", ["-w", "6500,6540,-0.8"]),
            ("wavelength", ["-w", "6500,6540,0"]),
            ("wavelength", ["-w", "6500,6540,nan"]),
            ("wavelength", ["-w", "6500,inf,0.8"]),
            ("wavelength", ["-w", "1000,2000,0.8"]),
            ("wavelength", ["-w", "6500,9900,0.8"]),
            ("nsubbundles", ["--nsubbundles", "4"]),
            ("nsubbundles", ["--nsubbundles", "0"]),
            ("specmin", ["-s", "3"]),
            ("specmin", ["-s", "-25"]),
            ("specmin", ["-s", "500"]),
            ("nspec", ["-n", "30"]),
            ("nspec", ["-n", "0"]),
            ("nspec", ["-n", "525"]),
            ("bundlesize", ["--bundlesize", "0"]),
            ("nwavestep", ["--nwavestep", "0"]),
            ("wavepad", ["--wavepad", "-1"]),
            ("pixpad_frac", ["--pixpad-frac", "nan"]),
            ("wavepad_frac", ["--wavepad-frac", "-0.1"]),
            ("regularize", ["-r", "-1"]),
            ("psferr", ["--psferr", "nan"]),
        ):
            with self.subTest(" ".join(arguments)):
                self.refused(field, *arguments)

    def test_outputs_that_cannot_be_written(self):
        self.file("there.fits", b"an older product")
        self.refused("output", output="there.fits")
        self.refused("output", output="no_such_folder/frame.fits")
        self.refused("output", output="/etc/frame.fits")
        self.refused("output", output="../escape.fits")

    def test_a_barycentric_correction_without_coordinates(self):
        good = self.image.read_bytes()
        blind = good
        for card in (b"TARGTRA ", b"TARGTDEC", b"SKYRA   ", b"SKYDEC  ", b"TELRA   ", b"TELDEC  ", b"RA      ", b"DEC     "):
            blind = blind.replace(card + b"=", b"COMMENT  ")
        self.refused("barycentric", "--barycentric-correction", image=self.file("blind.fits", blind))

    def test_options_that_do_not_parse_are_usage_errors(self):
        for arguments in (["-w", "6500"], ["-w", "a,b,c"], ["--nspec", "many"], ["--mode", "guess"], ["--no-such-option"]):
            with self.subTest(" ".join(arguments)):
                self.assertEqual(self.submit(*arguments).returncode, 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
