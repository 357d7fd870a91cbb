"""The order of batches follows from seed and epoch, and the autoencoder's vectors from the frames."""

import pytest
import torch

from asd_edge.train.data_module import ClipDataset, EpochShuffle, TrainingData, VectorDataset


def _order(seed: int, epoch: int, rank: int = 0, n_ranks: int = 1) -> list[int]:
    sampler = EpochShuffle(10, seed, rank, n_ranks)
    sampler.set_epoch(epoch)
    return list(sampler)


def test_each_epoch_has_an_order_of_its_own_that_repeats() -> None:
    assert _order(0, 3) == _order(0, 3)
    assert sorted(_order(0, 3)) == list(range(10))
    assert len({tuple(_order(seed, epoch)) for seed in (0, 1) for epoch in (0, 1)}) == 4


def test_devices_share_the_clips_of_an_epoch_evenly() -> None:
    parts = [_order(0, 0, rank, 3) for rank in range(3)]
    assert [len(part) for part in parts] == [3, 3, 3]
    assert len({index for part in parts for index in part}) == 9


@pytest.mark.parametrize(("n_clips", "batch_size", "sizes"), [(9, 4, [4, 4]), (10, 4, [4, 4, 2]), (1, 4, [1])])
def test_a_last_batch_of_one_clip_is_left_out(n_clips: int, batch_size: int, sizes: list[int]) -> None:
    clips = ClipDataset(torch.zeros(n_clips, 8, dtype=torch.int16), torch.arange(n_clips))
    batches = list(TrainingData(clips, clips, batch_size, seed=0).train_dataloader())
    assert [len(labels) for _, labels in batches] == sizes


def test_vectors_are_five_neighbouring_frames_of_one_clip() -> None:
    log_mel = torch.arange(2 * 7 * 3).reshape(2, 7, 3).float()
    vectors, target = VectorDataset(log_mel).__getitems__([0, 2, 3, 5])
    assert torch.equal(vectors, target)
    for vector, (clip, frame) in zip(vectors, ((0, 0), (0, 2), (1, 0), (1, 2)), strict=True):
        assert torch.equal(vector, log_mel[clip, frame : frame + 5].flatten())
