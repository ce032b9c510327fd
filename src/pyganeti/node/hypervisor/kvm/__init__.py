"""Guests under QEMU, with the kernel's KVM or in software.

    InstanceSpec + QemuFacts -> Runtime (pure) -> files, taps, one QEMU process -> QMP

Runtime files keep Ganeti's places and format below ``run/ganeti/kvm-hypervisor``.
"""
