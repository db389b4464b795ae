"""Settings of features of sound, which all tasks on recordings share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from longshort.config.flags import flag
from longshort.config.section import Section


class AudioSettings(Section):
    """Features of recordings: frames of the short-time spectrum."""

    rate: int | None = Field(
        None,
        ge=1000,
        le=192_000,
        description="samples a second to which recordings are resampled, in Hz; when absent that "
        "of the files, which then have to agree",
        json_schema_extra=flag("--rate"),
    )
    features: Literal["mel", "mfcc"] = Field(
        "mel",
        description="logarithms of the power in mel bands, or their cosine transform (MFCC)",
        json_schema_extra=flag("--sound-features"),
    )
    bands: int = Field(40, ge=2, le=256, description="mel bands")
    coefficients: int = Field(13, ge=1, le=128, description="MFCC that are kept, the first is c0")
    deltas: int = Field(
        0, ge=0, le=2, description="1: slopes over 5 frames go beside the features; 2: theirs too"
    )
    frame: float = Field(25.0, gt=1.0, le=1000.0, description="length of a frame, in ms")
    hop: float = Field(10.0, gt=0.5, le=1000.0, description="from frame to frame, in ms")
    window: Literal["povey", "hann", "hamming"] = Field(
        "povey", description="window of a frame; povey is hann to the power .85, Kaldi's"
    )
    scale: Literal["htk", "slaney"] = Field(
        "htk", description="mel scale: that of HTK and Kaldi, or Slaney's, which librosa has"
    )
    low: float = Field(20.0, ge=0.0, description="lowest frequency of the bands, in Hz")
    high: float | None = Field(
        None, gt=0.0, description="highest one, in Hz; half of the rate when absent"
    )
    emphasis: float = Field(
        0.97, ge=0.0, lt=1.0, description="pre-emphasis: so much of the sample before is taken off"
    )
    trim: float | None = Field(
        None,
        gt=0.0,
        le=200.0,
        description="cut off frames at both ends that are so many dB quieter than the loudest; "
        "none when absent",
    )
    span: float | None = Field(
        None,
        gt=0.0,
        le=200.0,
        description="raise energies to so many dB below the loudest, so that noise that is quieter "
        "tells nothing; none when absent",
    )
    normalise: Literal["none", "mean", "both"] = Field(
        "mean",
        description="per recording: subtract each feature's mean, and with both divide by its "
        "deviation; scales of the training split follow in any case",
    )

    @model_validator(mode="after")
    def _fits(self) -> AudioSettings:
        if self.features == "mfcc" and self.coefficients > self.bands:
            raise ValueError(
                f"coefficients = {self.coefficients} are more than the {self.bands} bands they are "
                "made of; lower audio.coefficients, or raise audio.bands"
            )
        if self.high is not None and self.high <= self.low:
            raise ValueError(f"high = {self.high:g} Hz has to be above low = {self.low:g} Hz")
        return self

    @property
    def width(self) -> int:
        """Features of a frame."""
        own = self.bands if self.features == "mel" else self.coefficients
        return own * (1 + self.deltas)


class VariedSettings(Section):
    """How recordings are varied while a network learns from them."""

    speeds: tuple[float, ...] = Field(
        (0.9, 1.0, 1.1),
        description="speeds at which training recordings are played (Ko et al., 2015)",
    )
    time_masks: int = Field(
        2, ge=0, le=20, description="stretches of time that are masked (SpecAugment, Park et al.)"
    )
    time_share: float = Field(
        0.15, ge=0.0, le=1.0, description="largest length of one, as a share of the recording"
    )
    band_masks: int = Field(2, ge=0, le=20, description="ranges of features that are masked")
    band_share: float = Field(
        0.2, ge=0.0, le=1.0, description="largest width of one, as a share of the features"
    )
