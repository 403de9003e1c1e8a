"""Container images without Docker: made from a Dockerfile, read, and searched for private keys.

An image is a stack of archives. Whoever has the image has every one of them, also those whose files
a later one hides or removes: that is what `private_keys` looks for.

Sources: OCI Image Format Specification 1.1 (image layout, manifest, configuration, layer);
Dockerfile reference.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from pkilab.container_tls.dockerfiles import Instruction, parse
from pkilab.container_tls.layers import Change, Tree, pack, unpack
from pkilab.container_tls.traces import FoundKey, keys_in
from pkilab.errors import MalformedError, UnsupportedError

_LAYER = "application/vnd.oci.image.layer.v1.tar"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_REF = "org.opencontainers.image.ref.name"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: a tar archive, and the instruction that made it."""

    archive: bytes = field(repr=False)
    created_by: str

    @property
    def digest(self) -> str:
        """``sha256:`` and the hash of the archive."""
        return _digest(self.archive)


@dataclass(frozen=True, slots=True)
class Image:
    """A container image.

    Attributes:
        layers: the lowest first.
        settings: the configuration's ``config``: Entrypoint, Cmd, Env, ExposedPorts, WorkingDir.
        created: what its configuration says.
    """

    layers: tuple[Layer, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    created: datetime = EPOCH

    def files(self) -> dict[str, bytes]:
        """Return the files of a running container, by absolute path, sorted."""
        return dict(sorted(self._tree().files.items()))

    def layout(self, tag: str = "latest") -> dict[str, bytes]:
        """Return an image layout: files by path, as umoci, skopeo and podman read it.

        Args:
            tag: the image's name within the layout.
        """
        blobs = [layer.archive for layer in self.layers]
        config = _json(
            {
                "created": _time(self.created),
                "architecture": "amd64",
                "os": "linux",
                "config": dict(self.settings),
                "rootfs": {"type": "layers", "diff_ids": [each.digest for each in self.layers]},
                "history": [
                    {"created": _time(self.created), "created_by": each.created_by}
                    for each in self.layers
                ],
            }
        )
        manifest = _json(
            {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "config": _described(_CONFIG, config),
                "layers": [_described(_LAYER, blob) for blob in blobs],
            }
        )
        described = {**_described(_MANIFEST, manifest), "annotations": {_REF: tag}}
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [described]}
        files = {_blob_path(_digest(each)): each for each in (*blobs, config, manifest)}
        files["oci-layout"] = _json({"imageLayoutVersion": "1.0.0"})
        files["index.json"] = _json(index)
        return dict(sorted(files.items()))

    def write(self, folder: Path, tag: str = "latest") -> Path:
        """Write the image layout into a folder, and return the folder."""
        for name, data in self.layout(tag).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return folder

    def private_keys(self) -> tuple[FoundKey, ...]:
        """Return the private keys in the image: in any layer, hidden ones too, lowest layer first.

        Found: PEM, DER (PKCS#8, SEC 1, PKCS#1) and PKCS#12 that opens without a password; an
        encrypted PEM is named as such. Not looked into: archives within files, environment
        variables and the words of instructions.
        """
        final = self._tree()
        return tuple(
            FoundKey(
                path=path,
                layer=layer.digest,
                created_by=layer.created_by,
                mode=mode,
                hidden=final.files.get(path) != data,
                key=key,
            )
            for layer in self.layers
            for path, data, mode in _regular(layer.archive)
            for key in keys_in(data)
        )

    def _tree(self) -> Tree:
        tree = Tree()
        for layer in self.layers:
            for change in unpack(layer.archive):
                tree.apply(change)
        return tree


def build(
    dockerfile: str,
    context: Mapping[str, bytes],
    *,
    bases: Mapping[str, Image] | None = None,
    created: datetime = EPOCH,
) -> Image:
    """Build an image from a Dockerfile: a layer for every RUN, COPY and WORKDIR.

    There is no shell: of RUN, ``mkdir``, ``chmod`` and ``rm`` are known, joined by ``&&``.

    Args:
        dockerfile: its text.
        context: the files that COPY can name, by relative path.
        bases: what FROM can name besides ``scratch``.
        created: the time of all that is made; equal inputs give equal bytes.

    Raises:
        MalformedError: no Dockerfile, or it names what the context does not have.
        UnsupportedError: an instruction or a command that is not known here.
    """
    tree, layers, settings = Tree(), list[Layer](), dict[str, Any]()
    for instruction in parse(dockerfile):
        if instruction.name == "FROM":
            base = _base(instruction, bases or {})
            layers, settings = list(base.layers), dict(base.settings)
            tree = base._tree()  # noqa: SLF001 - an image like this one
            continue
        changes = []
        for change in _changes(instruction, tree, context, settings):
            tree.apply(change)  # at once: the next command of a RUN sees it
            changes.append(change)
        if changes:
            layers.append(Layer(pack(changes, created), instruction.text))
    if not layers:
        raise MalformedError("Dockerfile", found="no layer", expected="FROM, and what makes one")
    return Image(tuple(layers), settings, created)


def read(files: Mapping[str, bytes], tag: str | None = None) -> Image:
    """Read an image layout whose layers are not compressed, and check every digest in it.

    Args:
        files: by path, as `Image.layout` returns them.
        tag: which of its images; the only one by default.

    Raises:
        MalformedError: it is no such layout, or a blob is not what its digest says.
        UnsupportedError: compressed layers, or nested indexes.
    """
    index = _document(files, "index.json")
    found = [
        each
        for each in _listed(index, "manifests")
        if tag is None or (each.get("annotations") or {}).get(_REF) == tag
    ]
    if len(found) != 1:
        raise MalformedError(
            "image layout", found=f"{len(found)} images", expected=f"one, with the tag {tag}"
        )
    manifest = _parsed(_blob(files, found[0], _MANIFEST), "manifest")
    config = _parsed(_blob(files, manifest.get("config"), _CONFIG), "configuration")
    archives = [_blob(files, each, _LAYER) for each in _listed(manifest, "layers")]
    history = [each for each in _listed(config, "history") if not each.get("empty_layer")]
    words = [str(each.get("created_by", "")) for each in history] or [""] * len(archives)
    if len(words) != len(archives):
        raise MalformedError(
            "image configuration",
            found=f"{len(words)} entries of history",
            expected=f"one for each of {len(archives)} layers",
        )
    for archive in archives:
        for _ in unpack(archive):  # raises what cannot be read
            pass
    try:
        created = datetime.fromisoformat(str(config.get("created", _time(EPOCH))))
    except ValueError as error:
        raise MalformedError(
            "image configuration", found=f"created {config.get('created')!r}", expected="RFC 3339"
        ) from error
    layers = tuple(Layer(*pair) for pair in zip(archives, words, strict=True))
    settings = config.get("config") or {}
    if not isinstance(settings, dict):
        raise MalformedError(
            "image configuration", found=type(settings).__name__, expected="an object in config"
        )
    return Image(layers, settings, created)


def _regular(archive: bytes) -> Iterator[tuple[str, bytes, int]]:
    for change in unpack(archive):
        if change.data is not None:
            yield change.path, change.data, change.mode


def _base(instruction: Instruction, bases: Mapping[str, Image]) -> Image:
    name = instruction.words[0] if instruction.words else ""
    if len(instruction.words) != 1:
        raise UnsupportedError(f"the Dockerfile instruction {instruction.text!r}")
    if name == "scratch":
        return Image(())
    if name not in bases:
        raise MalformedError(
            "Dockerfile",
            found=f"FROM {name}",
            expected=f"one of {', '.join(sorted(('scratch', *bases)))}; nothing is downloaded",
        )
    return bases[name]


def _changes(
    instruction: Instruction, tree: Tree, context: Mapping[str, bytes], settings: dict[str, Any]
) -> Iterator[Change]:
    """Yield what an instruction changes in the file system, or take its setting down."""
    name, words = instruction.name, instruction.words
    if name == "COPY":
        yield from _copied(words, tree, context)
    elif name == "RUN":
        yield from _run(instruction, tree)
    elif name in {"ENTRYPOINT", "CMD"}:
        settings[name.capitalize()] = list(words)
    elif name == "EXPOSE":
        ports = settings.setdefault("ExposedPorts", {})
        ports |= {port if "/" in port else f"{port}/tcp": {} for port in words}
    elif name == "ENV":
        settings["Env"] = [*settings.get("Env", ()), *words]
    elif name == "WORKDIR" and len(words) == 1:
        settings["WorkingDir"] = words[0]
        yield from tree.directories(words[0])
    else:
        raise UnsupportedError(f"the Dockerfile instruction {instruction.text!r}")


def _copied(words: Sequence[str], tree: Tree, context: Mapping[str, bytes]) -> Iterator[Change]:
    if len(words) < 2 or words[0].startswith("--"):  # noqa: PLR2004 - from, and to
        raise UnsupportedError(f"COPY {' '.join(words)}")
    *sources, target = words
    into = target.endswith("/") or tree.is_directory(target)
    if len(sources) > 1 and not into:
        raise MalformedError(
            "Dockerfile", found=f"COPY of several files to {target}", expected="a directory"
        )
    for source in sources:
        if source not in context:
            raise MalformedError(
                "Dockerfile", found=f"COPY {source}", expected="a file of the build context"
            )
        path = PurePosixPath(target) / source.rpartition("/")[2] if into else PurePosixPath(target)
        yield from tree.directories(str(path.parent))
        yield Change(str(path), context[source], 0o644)


def _run(instruction: Instruction, tree: Tree) -> Iterator[Change]:
    for command in instruction.commands:
        match command:
            case ["mkdir", "-p", *paths] if paths:
                for path in paths:
                    yield from tree.directories(path)
            case ["chmod", mode, *paths] if paths and mode.isdigit():
                for path in paths:
                    yield tree.with_mode(path, int(mode, 8))
            case ["rm", *paths] if [each for each in paths if not each.startswith("-")]:
                for path in (each for each in paths if not each.startswith("-")):
                    yield tree.removed(path)
            case _:
                raise UnsupportedError(f"the command {' '.join(command)!r} of a Dockerfile")


# The layout.


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _described(kind: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": _digest(data), "size": len(data)}


def _blob_path(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _document(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    if name not in files:
        raise MalformedError("image layout", found=f"no {name}", expected="one")
    return _parsed(files[name], name)


def _parsed(data: bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"image {what}", found="no JSON", expected="an object") from error
    if not isinstance(found, dict):
        raise MalformedError(f"image {what}", found=type(found).__name__, expected="an object")
    return found


def _listed(document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = document.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise MalformedError("image layout", found=f"{name} {found!r:.40}", expected="objects")
    return found


def _blob(files: Mapping[str, bytes], described: object, kind: str) -> bytes:
    """Return the blob of a descriptor.

    Raises:
        MalformedError: it is absent, or its hash is another.
        UnsupportedError: it is of another media type.
    """
    if not isinstance(described, dict):
        raise MalformedError("image layout", found=repr(described)[:40], expected="a descriptor")
    if described.get("mediaType") != kind:
        raise UnsupportedError(f"the media type {described.get('mediaType')} where {kind} is known")
    digest = str(described.get("digest"))
    data = files.get(_blob_path(digest))
    if data is None or _digest(data) != digest:
        found = "no such blob" if data is None else _digest(data)
        raise MalformedError("image layout", found=found, expected=digest)
    return data
