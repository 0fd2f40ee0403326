"""What the study's page says in words."""

HOW = (
    (
        "Data: Liu et al., Nature Communications 12, 7238 (2021), CC0: three people, four slices, one coil, k-space "
        "of 128 x 196 (T1w, gradient echo) and 128 x 126 (T2w, fast spin echo), and 3 T slices that the authors "
        "matched by hand."
    ),
    (
        "Input: the Fourier sum of spinloom.reconstruction at voxels symmetric about the isocentre, zero-filled to "
        "256 x 256, turned by 180 degrees, magnitude. No window is added, for the published k-space already has "
        "one."
    ),
    (
        "Training: simulated heads only. A slice 10 mm thick (the sinc of a phase-encoded slice) at 0.055 T goes "
        "through the scanner's own k-space: matrix, window and noise as measured in subjA, zero-filling, magnitude; "
        "the answer is a 5 mm slice at 3 T. Drawn anew for every sample: protocol; T1 and T2 at 0.055 T (8 %; grey "
        "matter's T1 up to 30 % longer, for with the tissue table's it would be as bright as white matter, which it "
        "is not in subjA; CSF's in the T1w down to 45 %, for it moves); how much of the skin is fat; a blur, and "
        "tails of the point spread that take up to half of the signal; noise from 0.8 to 3 times that of subjA's "
        "background; shading, place, turn, size; and in half of them a lesion of anything between grey matter and "
        "CSF."
    ),
    (
        "Network: a 2D U-Net, one slice in, one out, squared error up to 1 (Huber), what is not brain counting 0.3; "
        "its answer smoothed by 1 pixel."
    ),
    (
        "Near the head's edge, where the network was hardly taught, the smoothed input stays: 15 mm and more inside "
        "the head the answer is the network's, bit for bit; over the next 3 pixels it goes over into the input, "
        "smoothed by 1 pixel and matched to the network's answer by a x + b, least squares in that outer part. "
        "Smoothing (1 to 2.5 pixels), where it was matched, and how far one goes over into the other (1 to 16 "
        "pixels) were chosen on subjA: of those after which none of its SSIM and structural correlation was below "
        "the network's own, the one of the highest structural correlation that still has no seam. `spinloom "
        "translate` with these models gives the network's answer everywhere."
    ),
    (
        "Registration: the 3 T slices are moved onto the input, one affine of the plane for the four slices of a "
        "scan (SimpleITK, Mattes mutual information), first by the whole head, at last by what lies 10 pixels "
        "inside it. Input, filters and model are scored against that same moved image, in the input's own grid."
    ),
    (
        "Scores: 15 mm inside the head, where there is no scalp, and in the head, 3 pixels from its edge. Each "
        "image is first matched to the reference, a x + b by least squares in the mask, a >= 0. SSIM: Gaussian "
        "window, data range R the 99.5th percentile of the reference, windows normalised in the mask. Structural "
        "correlation: sum s_xy / sqrt(sum s_x^2 sum s_y^2) over the mask, of windows of 7 x 7. SSIM's third factor: "
        "the mean of (s_xy + c) / (s_x s_y + c), c = (0.03 R)^2 / 2 (Wang et al., 2004); it is shown because others "
        "use it, but it gives an image without any structure a 1, so blurring raises it."
    ),
)
NOISE = (
    (
        "The published k-space is not white: its noise falls with |k|, unequally to either side, as after a filter. "
        "A simulation with white noise of the same size would have another grain than the scans. The window was "
        "fitted to the outer k-space of subjA, its size so that the background is as noisy against the head as "
        "there."
    ),
)
FAILED = (
    (
        "The network's answer in the whole head: the first version of this page, with the networks alone, had a "
        "structural correlation of the head below the input's in two of six (subjA T2w, subjB T1w), though any "
        "smoothing raised it: the network spoilt what is not brain. That is why the smoothed input stays there "
        "now. The idea came from that table, in which subjB's score stood; its numbers came from subjA. With it "
        "subjB's T1w is 0.004 short of its input still; nothing was changed after that was seen."
    ),
    (
        "Found on subjA alone, in rounds that changed registration, noise, blur and loss together: no single one "
        "is proved the cause. Registering by the whole head: at 0.055 T scalp and brain do not lie to each other "
        "as at 3 T, the T2w brain was 3 pixels off, and there the widest smoothing scored best and the network "
        "below its input. So the last steps of the search look 10 pixels inside, and the scores of the whole head, "
        "whose scalp is now off instead, are the lesser ones."
    ),
    (
        "Registering each slice on its own failed for three of eight: sheared or stretched heads of higher mutual "
        "information. One transform for the four slices of a scan holds."
    ),
    (
        "Noise as in the background, no blur: slices were simulated too well. In bands of spatial frequency "
        "(measured by hand, not by this command) the T1w of subjA is 1.6 times as noisy in the head as its "
        "background says, and its sulci have about 0.6 of the contrast that a 10 mm slice alone would leave. "
        "Noise, blur and the tails of the point spread were widened until simulated slices lay on either side of "
        "it. The gain from that was small."
    ),
    (
        "SSIM's third factor as structural correlation: it is 1 for an image without structure, so that the widest "
        "smoothing won."
    ),
)
LIMITS = (
    (
        "Three people, four slices each, one scanner: no statistic is made of it. The 3 T slices are 5 mm thick, "
        "were matched by hand and are of another day or hour: even a perfect image would not score 1. Scores fall "
        "with every pixel of misregistration, for input and model alike. Pictures of subjB and subjC had been "
        "looked at before the first scores of theirs."
    ),
    (
        "Smoothing alone raises both scores, for both punish noise: a gain over the input says little by itself, "
        "hence the filters. Scores of the head are ruled by the scalp, which is why the other region comes first."
    ),
    (
        "A network may put anatomy where the input shows none, and may smooth a lesion away: it has seen round "
        "lesions drawn into healthy heads, and no bleeding, no calcification, no metal. For research; not for "
        "diagnosis."
    ),
    (
        "FLAIR was left out: at 0.055 T it is what its authors call FLAIR-like, and its contrast is not that of an "
        "inversion recovery at 3 T."
    ),
)
