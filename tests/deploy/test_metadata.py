# SPDX-License-Identifier: Apache-2.0
"""The Salesforce metadata and the image's recipe: well-formed, complete, least privilege."""
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest

from conftest import ROOT

SALESFORCE = ROOT / "deploy" / "salesforce"
NS = {"m": "http://soap.sforce.com/2006/04/metadata"}
FIELD = SALESFORCE / "force-app/main/default/objects/Activity/fields/Callfleet_Call_Id__c.field-meta.xml"
PERMISSIONS = SALESFORCE / "force-app/main/default/permissionsets/Callfleet_Integration.permissionset-meta.xml"


def texts(root, path):
    return [element.text for element in root.findall(path, NS)]


@pytest.mark.parametrize("path", sorted(SALESFORCE.rglob("*.xml")), ids=lambda path: path.name)
def test_xml_is_well_formed(path):
    assert ET.parse(path).getroot().tag.startswith("{%s}" % NS["m"])


def test_project_file():
    project = json.loads((SALESFORCE / "sfdx-project.json").read_text())
    assert [entry["path"] for entry in project["packageDirectories"]] == ["force-app"]
    version = texts(ET.parse(SALESFORCE / "manifest" / "package.xml").getroot(), "m:version")
    assert version == [project["sourceApiVersion"]]


def test_manifest_names_all_that_is_there():
    root = ET.parse(SALESFORCE / "manifest" / "package.xml").getroot()
    listed = {(types.find("m:name", NS).text, member.text)
              for types in root.findall("m:types", NS) for member in types.findall("m:members", NS)}
    assert listed == {("CustomField", "Activity.Callfleet_Call_Id__c"), ("PermissionSet", "Callfleet_Integration")}
    assert len(list((SALESFORCE / "force-app").rglob("*-meta.xml"))) == len(listed)


def test_field_is_the_upsert_key():
    root = ET.parse(FIELD).getroot()
    expected = {"fullName": "Callfleet_Call_Id__c", "type": "Text", "length": "128", "externalId": "true",
                "unique": "true", "caseSensitive": "true", "required": "false"}
    assert {name: root.find("m:" + name, NS).text for name in expected} == expected


def test_permissions_are_the_least():
    root = ET.parse(PERMISSIONS).getroot()
    objects = {entry.find("m:object", NS).text: entry for entry in root.findall("m:objectPermissions", NS)}
    assert set(objects) == {"Account", "Case", "Contact"}
    for name, entry in objects.items():
        rights = {right: entry.find("m:" + right, NS).text
                  for right in ("allowCreate", "allowDelete", "allowEdit", "modifyAllRecords")}
        assert rights == {"allowCreate": "false", "allowDelete": "false", "modifyAllRecords": "false",
                          "allowEdit": "true" if name == "Case" else "false"}
    assert set(texts(root, "m:userPermissions/m:name")) == {"ApiEnabled", "EditTask"}
    editable = {entry.find("m:field", NS).text for entry in root.findall("m:fieldPermissions", NS)
                if entry.find("m:editable", NS).text == "true"}
    # Task and Event share the field; a missing entry would take the permission away.
    assert editable == {"Task.Callfleet_Call_Id__c", "Event.Callfleet_Call_Id__c"}


def stages_of_dockerfile():
    text = (ROOT / "deploy" / "Dockerfile").read_text().replace("\\\n", " ")
    return text.split("\nFROM ")[1:] if text.startswith("FROM ") else re.split(r"(?m)^FROM ", text)[1:]


def test_image_runs_as_nobody_in_exec_form():
    build, final = stages_of_dockerfile()
    assert build.startswith("debian:12 ") and final.startswith("debian:12-slim\n")
    assert re.search(r"(?m)^USER 65532:65532$", final)
    assert isinstance(json.loads(re.search(r"(?m)^ENTRYPOINT (.*)$", final).group(1)), list)
    assert "-dev" not in final and "gcc" not in final
    assert re.search(r"(?m)^COPY --from=build /out/ /usr/local/bin/$", final)


def packages_of(stage):
    return set(re.search(r"install -y --no-install-recommends\s+(.*?)\s+&&", stage, re.S).group(1).split())


def test_image_has_every_library_that_the_workers_need(program):
    """Each shared library that a worker names itself comes from a package of the final stage, or from Debian's base."""
    if not shutil.which("dpkg") or not shutil.which("readelf"):
        pytest.skip("not a Debian with binutils")
    final = packages_of(stages_of_dockerfile()[1]) | {"libc6", "libgcc-s1"}
    sanitizers = re.compile(r"lib(asan|ubsan|tsan)\.so")
    for stage in ("lookup", "routing", "postcall"):
        dynamic = subprocess.run(["readelf", "-d", program(stage + "-worker")], text=True, capture_output=True,
                                 check=True).stdout
        for library in re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic):
            if sanitizers.match(library) or library.startswith("ld-linux"):
                continue
            owner = subprocess.run(["dpkg", "-S", "*/" + library], text=True, capture_output=True, check=True).stdout
            assert final & {line.split(":")[0] for line in owner.splitlines()}, "%s needs %s" % (stage, library)
