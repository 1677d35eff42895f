# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rig's kernels: from the distribution's source package, compiled once and kept.

    kernel/SOURCE_VERSION/source/         unpacked, shared by all configurations
    kernel/SOURCE_VERSION/pristine/       files of it that a variant has otherwise, as they were
    kernel/SOURCE_VERSION/HASH/tree/      one build tree per configuration; the variants are incremental builds in it
    kernel/SOURCE_VERSION/HASH/bzImage-V  what the rig boots, with its System.map-V; V has a hash where V has corrections
    kernel/SOURCE_VERSION/HASH/modules-V/ its modules, as below /usr/lib/modules
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .base import E2E, Progress, RigError, cache_directory, command, locked, replace, require_space
from .mirror import Suite

SUITE = "trixie-backports"
SOURCE = r"linux-source-\d+\.\d+"
ACCESS = "drivers/pci/access.c"
OLDEST = (7, 3)  # KHO, LUO and memfd preservation together


@dataclass(frozen=True)
class Correction:
    """One place of the source, said otherwise. A source that does not have it any more needs it no more."""

    path: str
    before: str
    after: str


CORRECTIONS = [
    # KVM takes an event for "being delivered" by its type alone, without its valid bit. On a processor all of the field
    # is 0 then; QEMU's emulated SVM clears the valid bit only (target/i386/tcg: do_interrupt_all()), and a guest that
    # touches a device right after a page fault of its own dies of "KVM internal error. Suberror: 3", once in 20 starts.
    Correction("arch/x86/kvm/svm/svm.c", "(svm->vmcb->control.exit_int_info & SVM_EXITINTINFO_TYPE_MASK)",
               "(svm->vmcb->control.exit_int_info & SVM_EXITINTINFO_VALID)"),
]


@dataclass(frozen=True)
class Variant:
    local_version: str
    differs: dict[str, str] = field(default_factory=dict)
    corrections: tuple[Correction, ...] = ()  # of this one alone; `before` must be there


VARIANTS = {
    "a": Variant("-rig-a"),
    "b": Variant("-rig-b"),
    "noluo": Variant("-rig-noluo", {"LIVEUPDATE": "n", "LIVEUPDATE_MEMFD": "n"}),
    "abi": Variant("-rig-abi", corrections=(
        Correction("include/linux/kho/abi/luo.h", '"luo-v5"', '"luo-v99"'),)),
    # PCI functions that do not become quiet, named at boot or while it runs: see rig/stubborn.c.
    "stubborn": Variant("-rig-stubborn", corrections=(
        Correction(ACCESS, "DEFINE_RAW_SPINLOCK(pci_lock);", "DEFINE_RAW_SPINLOCK(pci_lock);\n"
                   + (E2E / "rig/stubborn.c").read_text()),
        Correction(ACCESS, "bus->ops->write(bus, devfn, pos, len, value)",
                   "bus->ops->write(bus, devfn, pos, len, rig_written(bus, devfn, pos, value))"),
        Correction(ACCESS, "pos, sizeof(type), val);",
                   "pos, sizeof(type), rig_written(dev->bus, dev->devfn, pos, val));"),
        Correction(ACCESS, "*val = (type)data;", "*val = (type)(data | rig_read(dev, pos, sizeof(type)));"))),
}


def kernel(name: str) -> Path:
    """The bzImage of a variant, made if it is not there."""
    override = os.environ.get(f"LIVEUPDATE_KERNEL_{name.upper()}")
    if override:
        if not os.access(override, os.R_OK):
            raise RigError(f"LIVEUPDATE_KERNEL_{name.upper()} names {override}, which cannot be read")
        return Path(override)
    if name not in VARIANTS:
        raise RigError(f"no kernel variant {name}; there are {', '.join(VARIANTS)}")
    options = read_fragment(E2E / "kernel.config")
    digest = hashlib.sha256("\n".join([*sorted(options), *map(repr, CORRECTIONS)]).encode()).hexdigest()[:12]
    for version in sorted(cache_directory("kernel").iterdir(), key=_numbers, reverse=True):
        image = version / digest / f"bzImage-{_stem(name)}"
        if image.exists():
            return image
    top = fetch()
    build = top / digest
    build.mkdir(exist_ok=True)
    with locked(build / "lock"):
        image = build / f"bzImage-{_stem(name)}"
        if not image.exists():
            _start_from_another(build)
            with _corrected(top, VARIANTS[name]) as source_tree:
                _build(source_tree, build, name, options)
        return image


def modules(name: str) -> dict[str, Path]:
    """The modules of a variant with depmod's indexes: {path inside: file here}. Of a kernel from elsewhere: none."""
    if os.environ.get(f"LIVEUPDATE_KERNEL_{name.upper()}"):
        return {}
    top = kernel(name).with_name(f"modules-{_stem(name)}")
    return {f"/usr/lib/modules/{path.relative_to(top)}": path for path in sorted(top.rglob("*")) if path.is_file()}


def _stem(name: str) -> str:
    """A variant whose corrections change is another file."""
    corrections = VARIANTS[name].corrections
    return f"{name}-{hashlib.sha256(repr(corrections).encode()).hexdigest()[:8]}" if corrections else name


def source() -> Path:
    """The unpacked source, for its headers and selftests."""
    return fetch() / "source"


def host_is_capable() -> bool:
    """Whether the host's own kernel could serve as LIVEUPDATE_KERNEL_A and _B."""
    try:
        config = Path(f"/boot/config-{os.uname().release}").read_text()
    except OSError:
        return False
    return all(f"CONFIG_{name}=y\n" in config for name in ("KEXEC_HANDOVER", "LIVEUPDATE"))


def read_fragment(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line.startswith("CONFIG_")]


def _numbers(path: Path) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", path.name))


def fetch() -> Path:
    """Directory of the newest source in the cache; from the mirror when there is none."""
    top = cache_directory("kernel")
    with locked(top / ".lock"):
        have = [path for path in top.iterdir() if (path / "source/Makefile").exists()]
        if have:
            return max(have, key=_numbers)
        require_space(top, 6, "the kernel's source and build")
        with Progress("kernel source from the distribution") as progress:
            suite = Suite(SUITE)
            suite.update()
            package, version = suite.newest(SOURCE)
            if tuple(int(n) for n in re.findall(r"\d+", package)) < OLDEST:
                raise RigError(f"{package} is the newest kernel source in {SUITE}; the live update orchestrator "
                               f"needs {'.'.join(map(str, OLDEST))}", "use a mirror that is up to date")
            return _unpack(suite, package, version, top, progress)


def _unpack(suite: Suite, package: str, version: str, top: Path, progress: Progress) -> Path:
    work = top / ".unpacking"
    shutil.rmtree(work, ignore_errors=True)
    progress.detail = f"{package} {version}: download"
    archive = suite.download(package, work)
    progress.detail = f"{package} {version}: unpack"
    command(["dpkg-deb", "-x", archive, work / "deb"])
    (work / "tar").mkdir()
    command(["tar", "-C", work / "tar", "-xf", work / f"deb/usr/src/{package}.tar.xz"], what=f"unpacking {package}")
    target = top / f"{package}_{re.sub(r'[^A-Za-z0-9.-]+', '.', version)}"
    target.mkdir(exist_ok=True)
    (unpacked,) = (work / "tar").iterdir()
    unpacked.rename(target / "source")
    shutil.rmtree(work)
    return target


def _start_from_another(build: Path) -> None:
    """Another configuration's build tree, if there is one: make compiles what differs."""
    others = [path.parent for path in build.parent.glob("*/tree") if path.parent != build]
    if (build / "tree").exists() or not others:
        return
    other = max(others, key=lambda path: path.stat().st_mtime)
    with locked(other / "lock"), Progress(f"copy of the build tree {other.name}"):
        shutil.rmtree(build / ".tree", ignore_errors=True)
        command(["cp", "-a", "--reflink=auto", other / "tree", build / ".tree"])
        replace(build / ".tree", build / "tree")


@contextlib.contextmanager
def _corrected(top: Path, variant: Variant) -> Iterator[Path]:
    """The source as a variant has it: for all others as it was, also after a build that was interrupted. make goes by the
    files' times, so that the next variant compiles again what this one had otherwise."""
    source_tree, pristine = top / "source", top / "pristine"
    with locked(top / "source.lock"):
        _restore(source_tree, pristine)
        for correction in CORRECTIONS:
            _correct(source_tree, correction)
        for path in {correction.path for correction in variant.corrections}:
            saved = pristine / path
            saved.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source_tree / path, top / ".saving")
            replace(top / ".saving", saved)
        for correction in variant.corrections:
            if not _correct(source_tree, correction):
                raise RigError(f"{correction.path} of the kernel has no {correction.before} any more",
                               "bring VARIANTS in tests/e2e/rig/kernel.py up to date")
        try:
            yield source_tree
        finally:
            _restore(source_tree, pristine)


def _restore(source_tree: Path, pristine: Path) -> None:
    for saved in [path for path in pristine.rglob("*") if path.is_file()]:
        target = source_tree / saved.relative_to(pristine)
        if target.read_bytes() != saved.read_bytes():
            shutil.copyfile(saved, target)


def _correct(source_tree: Path, correction: Correction) -> bool:
    path = source_tree / correction.path
    text = path.read_text()
    if correction.before in text:
        path.write_text(text.replace(correction.before, correction.after))
    return correction.before in text


def _build(source: Path, build: Path, name: str, options: list[str]) -> None:
    variant = VARIANTS[name]
    wanted = [line for line in options if re.split("[_=]", line, maxsplit=1)[1].split("=")[0] not in variant.differs]
    wanted += [f"CONFIG_{option}={value}" for option, value in variant.differs.items()]
    fragment = build / f"fragment-{name}"
    fragment.write_text("\n".join(wanted) + "\n")
    log = build / f"build-{name}.log"
    log.unlink(missing_ok=True)
    tree = build / "tree"
    make: list[str | Path] = ["make", "-C", source, f"O={tree}", f"LOCALVERSION={variant.local_version}"]
    env = {"KBUILD_BUILD_USER": "rig", "KBUILD_BUILD_HOST": "rig"}
    with Progress(f"kernel {name} (log: {log})") as progress:
        command([*make, f"KCONFIG_ALLCONFIG={fragment}", "allnoconfig"], log=log, env=env)
        _verify(tree / ".config", wanted)
        command([*make, f"-j{os.cpu_count()}", "bzImage", "modules"], log=log, env=env, progress=progress,
                what=f"the build of kernel {name}")
        _install_modules(make, build, name, log)
    shutil.copyfile(tree / "System.map", build / f"System.map-{_stem(name)}")
    shutil.copyfile(tree / "arch/x86/boot/bzImage", build / f".bzImage-{name}")
    replace(build / f".bzImage-{name}", build / f"bzImage-{_stem(name)}")


def _install_modules(make: list[str | Path], build: Path, name: str, log: Path) -> None:
    work, target = build / f".modules-{name}", build / f"modules-{_stem(name)}"
    shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(target, ignore_errors=True)
    command([*make, f"INSTALL_MOD_PATH={work}", "INSTALL_MOD_STRIP=1", "modules_install"], log=log,
            what=f"the installation of the modules of kernel {name}")
    (release,) = (work / "lib/modules").iterdir()
    (release / "build").unlink(missing_ok=True)  # where it was made
    replace(work / "lib/modules", target)
    shutil.rmtree(work)


def _verify(config: Path, wanted: list[str]) -> None:
    """Kconfig drops what it cannot satisfy without a word."""
    got = set(config.read_text().splitlines())
    lost = [line for line in wanted
            if (line not in got if not line.endswith("=n") else f"{line[:-1]}y" in got)]
    if lost:
        raise RigError(f"this kernel's configuration does not take {', '.join(lost)}",
                       "add what these options depend on to tests/e2e/kernel.config")
