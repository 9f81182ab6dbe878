"""One connection to a scheduler, and jobs."""

from __future__ import annotations

import datetime
import getpass
import json
import os
import pathlib
import typing
import uuid

import grpc
from google.protobuf import duration_pb2

from unfold.v1 import admin_service_pb2, admin_service_pb2_grpc, job_service_pb2, job_service_pb2_grpc, types_pb2

from .errors import JobFailed, UnfoldError, call
from .product import Product
from .progress import Bar

Path = typing.Union[str, os.PathLike]
SUBMIT_SECONDS = 120.0  # the server reads the inputs through before it answers
CALL_SECONDS = 10.0

# A call is repeated while the server restarts; every submission has a request id, so none counts twice.
SERVICE_CONFIG = json.dumps({"methodConfig": [{
    "name": [{"service": "unfold.v1.JobService"}, {"service": "unfold.v1.AdminService"}],
    "retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.1s", "maxBackoff": "2s", "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"]}}]})


def default_server() -> str:
    """$UNFOLD_SERVER, else the socket that `unfold up` of this user listens on."""
    run = os.environ.get("XDG_RUNTIME_DIR") or f"/tmp/unfold-{os.getuid()}"
    return os.environ.get("UNFOLD_SERVER") or f"unix:{run}/unfold.sock"


def server_path(typed: Path) -> str:
    """As the server takes it: "root:relative" as it is, everything else absolute by the current folder."""
    text = os.fspath(typed)
    root, colon, _ = text.partition(":")
    if colon and "/" not in root:
        return text
    return os.path.abspath(text) if text else ""


class Job:
    """A submitted job. Its state is that of the last look (`message`)."""

    def __init__(self, client: Client, message: types_pb2.Job) -> None:
        self._client = client
        self.message = message

    def __repr__(self) -> str:
        return f"Job({self.id}, {self.state})"

    @property
    def id(self) -> str:
        return self.message.id

    @property
    def state(self) -> str:
        return types_pb2.JobState.Name(self.message.state).removeprefix("JOB_STATE_")

    @property
    def is_final(self) -> bool:
        return self.message.state >= types_pb2.JOB_STATE_SUCCEEDED

    def refresh(self) -> Job:
        self.message = self._client.get(self.id).message
        return self

    def wait(self, timeout: float | None = None, progress: bool = True) -> Job:
        """Returns when the job has succeeded. Raises JobFailed where it ends otherwise, and TimeoutError after
        `timeout` seconds; the job goes on then. `progress`: a bar, where somebody looks."""
        until = None if timeout is None else datetime.datetime.now() + datetime.timedelta(seconds=timeout)
        bar = Bar(self.id) if progress else None
        try:
            while not self.is_final:
                left = 0.5 if until is None else (until - datetime.datetime.now()).total_seconds()
                if left <= 0:
                    raise TimeoutError(f"job {self.id} is {self.state} after {timeout} s [wait again, or cancel()]")
                self.message = self._client._wait(self.id, min(left, 0.5))
                if bar:
                    bar.show(self.message)
        finally:
            if bar:
                bar.close()
        if self.message.state != types_pb2.JOB_STATE_SUCCEEDED:
            raise JobFailed(self.message)
        return self

    def cancel(self) -> Job:
        self.message = self._client._cancel(self.id)
        return self

    def explain(self) -> str:
        """Why it is where it is, and what would change that."""
        return self._client._explain(self.id)

    def results(self) -> list[Product]:
        """All products. Raises UnfoldError while there are none."""
        if self.message.state != types_pb2.JOB_STATE_SUCCEEDED:
            raise UnfoldError(f"job {self.id} has no products ({self.state}) [wait() for it]")
        summary = dict(self.message.summary)
        return [Product(self._client.local_path(output.path), summary) for output in self.message.outputs]

    def result(self) -> Product:
        """The first product."""
        return self.results()[0]


class Client:
    """A connection to a scheduler ("unix:PATH" or "HOST:PORT"). Connects at the first call. Thread safe."""

    def __init__(self, server: str | None = None, user: str | None = None) -> None:
        self.server = server or default_server()
        self._metadata = (("unfold-user", user or getpass.getuser()),)
        options = [("grpc.max_receive_message_length", 8 << 20), ("grpc.enable_http_proxy", 0),
                   ("grpc.service_config", SERVICE_CONFIG)]
        self._channel = grpc.insecure_channel(self.server, options=options)
        self._jobs = job_service_pb2_grpc.JobServiceStub(self._channel)
        self._admin = admin_service_pb2_grpc.AdminServiceStub(self._channel)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._channel.close()

    def submit_extraction(self, *, image: Path, psf: Path, output: Path, wavelength: tuple[float, float, float] | None = None,
                          fibermap: Path = "", model: Path = "", **options: typing.Any) -> Job:
        """One camera's frame. `wavelength`: first, last, step in Angstrom. `options`: fields of ExtractionSpec (psferr,
        nspec, ...) and of JobSpec (priority, labels, overwrite, ...)."""
        if wavelength is not None:
            first, last, step = wavelength
            options["wavelength"] = types_pb2.WavelengthGrid(min=first, max=last, step=step)
        paths = {"image": image, "psf": psf, "output": output, "fibermap": fibermap, "model": model}
        return self._submit_engine("extraction", types_pb2.ExtractionSpec, paths, options)

    def submit_imaging(self, *, data: Path, output: Path, response: Path = "", background_file: Path = "", attitude: Path = "",
                       fits: Path = "", png: Path = "", **options: typing.Any) -> Job:
        """A Compton telescope's image. `options`: fields of ImagingSpec (algorithm="OSEM", iterations, ...) and of JobSpec."""
        paths = {"data": data, "output": output, "response": response, "background_file": background_file, "attitude": attitude,
                 "fits": fits, "png": png}
        return self._submit_engine("imaging", types_pb2.ImagingSpec, paths, options)

    def submit_spi(self, *, data: Path | typing.Sequence[Path], output: Path, detector: Path = "", config: Path = "", mrc: Path = "",
                   png: Path = "", reference: Path = "", background_file: Path = "", **options: typing.Any) -> Job:
        """A density from diffraction patterns. `options`: fields of SpiSpec (diameter, seed, ...) and of JobSpec."""
        files = [data] if isinstance(data, (str, os.PathLike)) else list(data)
        paths = {"output": output, "detector": detector, "config": config, "mrc": mrc, "png": png, "reference": reference,
                 "background_file": background_file}
        options["data"] = [server_path(file) for file in files]
        return self._submit_engine("spi", types_pb2.SpiSpec, paths, options)

    def submit(self, spec: types_pb2.JobSpec, request_id: str | None = None, validate_only: bool = False) -> Job:
        """A job by its message. The same `request_id` again gives the same job; without one, a new one is made."""
        request = job_service_pb2.SubmitRequest(spec=spec, request_id=request_id or str(uuid.uuid4()), source="api",
                                                validate_only=validate_only)
        return Job(self, self._call(self._jobs.Submit, request, SUBMIT_SECONDS).job)

    def get(self, job_id: str) -> Job:
        return Job(self, self._call(self._jobs.Get, job_service_pb2.GetJobRequest(id=job_id)))

    def jobs(self, filter: str = "") -> typing.Iterator[Job]:
        """All jobs, newest first; `filter` as of `unfold jobs --filter`."""
        token = ""
        while True:
            page = self._call(self._jobs.List, job_service_pb2.ListJobsRequest(filter=filter, page_token=token))
            for message in page.jobs:
                yield Job(self, message)
            token = page.next_page_token
            if not token:
                return

    def workers(self) -> list[admin_service_pb2.Worker]:
        return list(self._call(self._admin.ListWorkers, admin_service_pb2.ListWorkersRequest()).workers)

    def local_path(self, path: str) -> pathlib.Path:
        """Where "root:relative" is on this machine, if the server's folders are mounted here as there."""
        root, _, relative = path.partition(":")
        roots = self._call(self._admin.GetStatus, admin_service_pb2.GetStatusRequest()).roots
        if root not in roots:
            raise UnfoldError(f"the scheduler has no root {root!r} (it has {', '.join(sorted(roots)) or 'none'})")
        local = pathlib.Path(roots[root]) / relative
        if not local.exists():
            raise UnfoldError(f"{local} is not here (product {path} of {self.server}) [mount the server's folder]")
        return local

    def _submit_engine(self, engine: str, kind: typing.Any, paths: dict[str, typing.Any], options: dict[str, typing.Any]) -> Job:
        fields = {name: server_path(path) for name, path in paths.items() if path}
        of_job = {name: options.pop(name) for name in list(options)
                  if name in types_pb2.JobSpec.DESCRIPTOR.fields_by_name}
        for name, value in options.items():
            field = kind.DESCRIPTOR.fields_by_name.get(name)
            if field is None:
                known = ", ".join(sorted(kind.DESCRIPTOR.fields_by_name))
                raise TypeError(f"{engine} has no option {name!r} (it has {known})")
            fields[name] = enum_value(field.enum_type, value) if field.enum_type and isinstance(value, str) else value
        return self.submit(types_pb2.JobSpec(**{engine: kind(**fields)}, **of_job))

    def _call(self, method: typing.Any, request: typing.Any, seconds: float = CALL_SECONDS) -> typing.Any:
        return call(method, request, self.server, timeout=seconds, metadata=self._metadata)

    def _wait(self, job_id: str, seconds: float) -> types_pb2.Job:
        timeout = duration_pb2.Duration()
        timeout.FromTimedelta(datetime.timedelta(seconds=seconds))
        return self._call(self._jobs.Wait, job_service_pb2.WaitRequest(id=job_id, timeout=timeout), seconds + CALL_SECONDS)

    def _cancel(self, job_id: str) -> types_pb2.Job:
        return self._call(self._jobs.Cancel, job_service_pb2.CancelRequest(id=job_id, request_id=str(uuid.uuid4())))

    def _explain(self, job_id: str) -> str:
        answer = self._call(self._jobs.Explain, job_service_pb2.ExplainRequest(id=job_id))
        return "\n".join([answer.summary, *answer.details, *([f"[{answer.remedy}]"] if answer.remedy else [])])


def enum_value(kind: typing.Any, name: str) -> int:
    """ "osem" or "OSEM" of ImagingAlgorithm."""
    prefix = kind.values[0].name.removesuffix("UNSPECIFIED")
    value = kind.values_by_name.get(prefix + name.upper().replace("-", "_"))
    if value is None:
        known = ", ".join(v.name.removeprefix(prefix).lower() for v in kind.values[1:])
        raise ValueError(f"{name!r} is not known (known: {known})")
    return value.number
