"""Which of the shared DICOM files are read, which are refused and why, and where the twelve axis orders lie.

    python benchmarks/dicom.py DATA

DATA is the folder of public scans (docs/real-data.md). Each zip is unpacked into a temporary folder and every folder in
it (of a zip with one folder: every file) is read as `spinloom` reads it; several series in one place one by one.
"""

import sys
import tempfile
import warnings
import zipfile
from pathlib import Path

import numpy as np

from spinloom.core.affine import to_ras
from spinloom.core.errors import SpinloomError
from spinloom.io.dicom import read_series
from spinloom.io.images import read_any


def main(data: Path) -> None:
    print("| where | outcome |\n| --- | --- |")
    read = refused = 0
    for packed in sorted((data / "dicom").glob("*.zip")):
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(packed) as archive:
            root = Path(folder)
            archive.extractall(root)
            places = sorted({p.parent for p in root.rglob("*") if p.is_file()})
            if len(places) == 1 and packed.stem == "pydicom_odd_files":
                places = sorted(places[0].iterdir())
            for place in places:
                for name, said, fine in outcomes(place, packed.stem, root):
                    read, refused = read + fine, refused + (not fine)
                    print(f"| {name} | {said.replace('|', '/')} |")
    print(f"\n{read} read, {refused} refused with the reason.")
    orders(data)


def outcomes(place: Path, stem: str, root: Path) -> list[tuple[str, str, bool]]:
    """(where, what became of it, whether it was read) of everything in one place."""
    name = f"{stem}: {place.relative_to(root)}" if place != root else stem
    try:
        return [(name, shape(read_any(place)), True)]
    except SpinloomError as error:
        if "series" not in error.fault:
            return [(name, error.fault.replace(str(root), ""), False)]
    found = []
    for n in range(1, 10):
        try:
            found.append((f"{name}, series {n}", shape(read_series(place, series=n)), True))
        except SpinloomError as error:
            if "no series" in error.fault:
                break
            found.append((f"{name}, series {n}", error.fault.replace(str(root), ""), False))
    return found


def shape(image: object) -> str:
    voxel = " x ".join(f"{v:.3g}" for v in image.grid.voxel_mm)  # type: ignore[attr-defined]
    size = " x ".join(map(str, image.data.shape))  # type: ignore[attr-defined]
    return f"read: {size}, voxels {voxel} mm, {image.quantity.value}"  # type: ignore[attr-defined]


def orders(data: Path) -> None:
    files = sorted((data / "nifti_orientations").glob("*.nii.gz"))
    images = [read_any(f) for f in files]
    first, place = to_ras(images[0].data, images[0].affine)
    alike = [to_ras(i.data, i.affine) for i in images]
    worst = max(float(np.abs(A - place).max()) for _, A in alike)
    same = all(np.array_equal(d, first) for d, _ in alike)
    print(f"\n{len(files)} axis orders: voxels identical in RAS: {same}; affines within {worst:.1e} mm.")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]))
