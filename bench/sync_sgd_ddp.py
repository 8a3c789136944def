"""PyTorch's DistributedDataParallel over gloo on the job of bench/sync_sgd: a perceptron 784-251-10,
32 examples a process and step, SGD with momentum, one thread a process. Started by bench/sync_sgd;
by itself:

    python3 bench/sync_sgd_ddp.py [STEPS=400] [PROCESSES=8]

Prints the steps per second and the CPU time a step of all processes together, over the steps that
follow the first tenth. Images are bytes and become floats batch by batch, as in the built-in trainer.
"""

import os
import resource
import sys
import tempfile
import time

os.environ["OMP_NUM_THREADS"] = "1"  # Before torch is loaded, which reads it.

import torch  # noqa: E402
import torch.distributed as dist  # noqa: E402
import torch.multiprocessing as mp  # noqa: E402

BATCH = 32
EXAMPLES = 1024


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def work(rank, steps, processes, rendezvous):
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", init_method="file://" + rendezvous, rank=rank, world_size=processes
    )
    torch.manual_seed(1)
    model = torch.nn.Sequential(
        torch.nn.Linear(784, 251), torch.nn.ReLU(), torch.nn.Linear(251, 10)
    )
    model = torch.nn.parallel.DistributedDataParallel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loss_of = torch.nn.CrossEntropyLoss()
    draw = torch.Generator().manual_seed(rank)
    images = torch.randint(0, 256, (EXAMPLES, 784), dtype=torch.uint8, generator=draw)
    labels = torch.randint(0, 10, (EXAMPLES,), generator=draw)

    skipped = steps // 10
    begin = cpu = 0.0
    for step in range(steps):
        if step == skipped:
            dist.barrier()
            begin, cpu = time.monotonic(), cpu_seconds()
        first = step * BATCH % EXAMPLES
        inputs = images[first : first + BATCH].float() / 255
        optimizer.zero_grad()
        loss_of(model(inputs), labels[first : first + BATCH]).backward()
        optimizer.step()
    spent = torch.tensor([cpu_seconds() - cpu], dtype=torch.float64)
    dist.barrier()
    elapsed = time.monotonic() - begin
    dist.all_reduce(spent)
    if rank == 0:
        counted = steps - skipped
        print(
            f"ddp: {counted} steps, {counted / elapsed:.1f} steps/s, "
            f"{1000 * spent.item() / counted:.1f} ms of CPU a step (torch {torch.__version__})"
        )
    dist.destroy_process_group()


def main():
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    processes = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    with tempfile.TemporaryDirectory() as directory:
        rendezvous = os.path.join(directory, "rendezvous")
        mp.spawn(work, args=(steps, processes, rendezvous), nprocs=processes)


if __name__ == "__main__":
    main()
