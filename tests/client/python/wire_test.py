"""The API against that of the last version in CHANGELOG.md: whoever spoke that one is still understood. Usage:
wire_test.py SOURCE [--release]: with --release, the present API becomes that of the last version."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

from google.protobuf import descriptor_pb2

SOURCE = pathlib.Path(sys.argv[1]).resolve()
RELEASED = SOURCE / "proto/released.binpb"


def present():
    with tempfile.NamedTemporaryFile() as file:
        protos = sorted((SOURCE / "proto/unfold/v1").glob("*.proto"))
        subprocess.run(["protoc", "-I", SOURCE / "proto", "-o", file.name, *protos], check=True)
        return descriptor_pb2.FileDescriptorSet.FromString(file.read())


def messages_of(files):
    found = {}

    def take(scope, message):
        name = f"{scope}.{message.name}"
        found[name] = message
        for inner in message.nested_type:
            take(name, inner)

    for file in files.file:
        for message in file.message_type:
            take(file.package, message)
    return found


def enums_of(files):
    found = {f"{file.package}.{enum.name}": enum for file in files.file for enum in file.enum_type}
    found.update({f"{name}.{enum.name}": enum for name, message in messages_of(files).items() for enum in message.enum_type})
    return found


def methods_of(files):
    return {f"{file.package}.{service.name}/{method.name}": (method.input_type, method.output_type, method.client_streaming,
                                                             method.server_streaming)
            for file in files.file for service in file.service for method in service.method}


def broken(old, new):
    """What a program of the old API would not find, or misread, in the new one."""
    found = []
    messages = messages_of(new)
    for name, message in messages_of(old).items():
        fields = {field.number: field for field in messages[name].field} if name in messages else None
        if fields is None:
            found.append(f"{name} is gone")
            continue
        for field in message.field:
            now = fields.get(field.number)
            if now is None or (now.name, now.type, now.label, now.type_name, now.proto3_optional) != (
                    field.name, field.type, field.label, field.type_name, field.proto3_optional):
                found.append(f"{name}.{field.name} = {field.number} is gone or another")
    enums = enums_of(new)
    for name, enum in enums_of(old).items():
        values = {(value.name, value.number) for value in enums[name].value} if name in enums else set()
        found += [f"{name}.{value.name} is gone or another" for value in enum.value if (value.name, value.number) not in values]
    methods = methods_of(new)
    found += [f"{name} is gone or another" for name, method in methods_of(old).items() if methods.get(name) != method]
    return found


class Wire(unittest.TestCase):
    def test_nothing_of_the_last_version_is_lost(self):
        old = descriptor_pb2.FileDescriptorSet.FromString(RELEASED.read_bytes())
        self.assertGreater(len(messages_of(old)), 30)
        self.assertEqual(broken(old, present()), [])

    def test_a_change_that_breaks_is_found(self):
        old = present()
        for change in (lambda f: f.message_type[0].field[0].ClearField("name"),
                       lambda f: f.message_type[0].field.pop(0),
                       lambda f: f.message_type.pop(0),
                       lambda f: f.enum_type[0].value.pop()):
            new = present()
            change(next(file for file in new.file if file.name == "unfold/v1/types.proto"))
            self.assertTrue(broken(old, new))
        new = present()
        next(file for file in new.file if file.service).service[0].method.pop()
        self.assertEqual(len(broken(old, new)), 1)


if __name__ == "__main__":
    if "--release" in sys.argv:
        RELEASED.write_bytes(present().SerializeToString())
    else:
        unittest.main(argv=sys.argv[:1])
