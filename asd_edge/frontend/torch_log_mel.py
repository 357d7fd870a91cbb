"""The log-Mel as a torch module, for training and the torch rung: waveform in [-1, 1) -> dB, as log_mel.py has it."""

import torch
from torch import Tensor, nn

from asd_edge.frontend.config import FrontendConfig
from asd_edge.frontend.log_mel import hann_window
from asd_edge.frontend.mel import mel_filterbank


class LogMel(nn.Module):
    """Waveform [N, clip_samples] -> log-Mel [N, 1, n_mels, n_frames] in dB, float32; it learns nothing."""

    window: Tensor
    mel_matrix: Tensor

    def __init__(self, config: FrontendConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("window", torch.tensor(hann_window(config.n_fft), dtype=torch.float32), persistent=False)
        self.register_buffer("mel_matrix", torch.tensor(mel_filterbank(config), dtype=torch.float32), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Reflect padding at both ends, power spectrum, mel, 10 * log10(mel + log_offset).

        Stays in float32 under mixed precision: half precision can't hold a power spectrum.
        """
        with torch.autocast(waveform.device.type, enabled=False):
            spectrum = torch.stft(
                waveform.float(),
                self.config.n_fft,
                self.config.hop_length,
                window=self.window,
                center=True,
                pad_mode="reflect",
                return_complex=True,
            )  # [N, n_fft // 2 + 1, n_frames]
            power = spectrum.real.square() + spectrum.imag.square()
            mel = torch.matmul(power.transpose(1, 2), self.mel_matrix).transpose(1, 2)
            return 10.0 * torch.log10(mel + self.config.log_offset).unsqueeze(1)
