# SPDX-License-Identifier: Apache-2.0
"""The Helm chart: it lints, it renders, and what it renders has what it must have."""
import functools
import os
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

from conftest import ROOT, missing

CHART = ROOT / "deploy" / "chart" / "callfleet"
VALUES = sorted((pathlib.Path(__file__).parent / "values").glob("*.yaml"))
HELM = "helm.sh/helm/v3/cmd/helm@v3.21.4"
TOPICS = {
    "lookup": ["call-started"],
    "routing": ["call-queued", "call-ended", "agent-state", "routing-log"],
    "postcall": ["call-ended"],
}
# What Kubernetes' "restricted" pod security standard lets a pod mount.
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}

pytestmark = pytest.mark.timeout(1200)  # helm may have to be built first


@functools.lru_cache
def find_helm():
    """Helm of this machine, or of our cache, where `go install` puts it when there is a Go."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "callfleet" / "bin"
    found = shutil.which("helm") or shutil.which("helm", path=str(cache))
    if not found and shutil.which("go"):
        cache.mkdir(parents=True, exist_ok=True)
        subprocess.run(["nice", "go", "install", HELM], env=dict(os.environ, GOBIN=str(cache), GOFLAGS="-p=2"),
                       timeout=1000, check=False)
        found = shutil.which("helm", path=str(cache))
    return found


def helm(*args, check=True):
    if not find_helm():
        missing("helm (https://helm.sh, or Go to build it with)")
    done = subprocess.run([find_helm(), *map(str, args)], text=True, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0 or not check, done.stderr
    return done


def template(*args, check=True):
    return helm("template", "cf", CHART, "--kube-version", "1.33.0", "--namespace", "calls", *args, check=check)


@functools.lru_cache
def render(values):
    return [doc for doc in yaml.safe_load_all(template("-f", values).stdout) if doc]


def kind(docs, name):
    return [doc for doc in docs if doc["kind"] == name]


def stage_of(doc):
    return doc["metadata"]["labels"]["app.kubernetes.io/component"]


def pod_specs(docs):
    """Of the Deployments and the helm test pods."""
    return ([doc["spec"]["template"]["spec"] for doc in kind(docs, "Deployment")] +
            [doc["spec"] for doc in kind(docs, "Pod")])


def values_of(path):
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    return defaults, yaml.safe_load(path.read_text())


each_values = pytest.mark.parametrize("values", VALUES, ids=lambda path: path.stem)


@each_values
def test_lints(values):
    helm("lint", CHART, "--strict", "-f", values)


def test_there_are_three_value_sets():
    assert len(VALUES) >= 3


@each_values
def test_one_deployment_per_enabled_worker(values):
    _, own = values_of(values)
    off = {stage for stage, worker in own.get("workers", {}).items() if worker.get("enabled") is False}
    docs = render(values)
    assert {stage_of(doc) for doc in kind(docs, "Deployment")} == set(TOPICS) - off
    for doc in kind(docs, "Deployment"):
        (container,) = doc["spec"]["template"]["spec"]["containers"]
        assert container["command"] == ["/usr/local/bin/%s-worker" % stage_of(doc)]
        assert container["args"] == ["--config", "/etc/callfleet/config/worker.ini"]
        assert doc["spec"]["selector"]["matchLabels"].items() <= doc["spec"]["template"]["metadata"]["labels"].items()
        assert doc["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 60


@each_values
def test_probes(values):
    for doc in kind(render(values), "Deployment"):
        (container,) = doc["spec"]["template"]["spec"]["containers"]
        assert container["ports"] == [{"name": "admin", "containerPort": 9100}]
        for probe, path in (("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
            assert container[probe]["httpGet"] == {"path": path, "port": "admin"}
        startup = container["startupProbe"]
        assert startup["periodSeconds"] * startup["failureThreshold"] >= 120


@each_values
def test_pods_are_restricted(values):
    for spec in pod_specs(render(values)):
        security = spec["securityContext"]
        assert security["runAsNonRoot"] is True and security["runAsUser"] == 65532 and security["fsGroup"] == 65532
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        for volume in spec["volumes"]:
            assert set(volume) - {"name"} <= VOLUMES
        for container in spec["containers"]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False and security["readOnlyRootFilesystem"] is True
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["requests"]["memory"] == container["resources"]["limits"]["memory"]


@each_values
def test_secrets_are_files_and_nothing_else(values):
    docs = render(values)
    assert not kind(docs, "Secret")
    for spec in pod_specs(docs):
        for container in spec["containers"]:
            assert not container.get("envFrom")
            for env in container.get("env", []):
                assert "secretKeyRef" not in env.get("valueFrom", {})
            assert all("subPath" not in mount for mount in container["volumeMounts"])
        for volume in spec["volumes"]:
            if "secret" in volume:
                assert volume["secret"]["defaultMode"] == 0o400
    for doc in kind(docs, "ConfigMap"):
        for line in doc["data"]["worker.ini"].splitlines():
            key, _, value = line.partition(" = ")
            if not line.startswith("#") and re.search("password|secret", key):
                assert value.startswith(("/etc/callfleet/", "file:/etc/callfleet/")), line


@each_values
def test_every_file_in_the_configuration_is_mounted(values):
    docs = render(values)
    config = {stage_of(doc): doc for doc in kind(docs, "ConfigMap")}
    for doc in kind(docs, "Deployment"):
        spec = doc["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        assert set(mounts.values()) == {volume["name"] for volume in spec["volumes"]}
        for path in re.findall(r"/etc/callfleet/\S+", config[stage_of(doc)]["data"]["worker.ini"]):
            folder, _, name = path.rpartition("/")
            assert folder in mounts
            assert mounts[folder] != "config" or name in config[stage_of(doc)]["data"]


@each_values
def test_instance_is_the_pods_name(values):
    for doc in kind(render(values), "Deployment"):
        env = {entry["name"]: entry for entry in doc["spec"]["template"]["spec"]["containers"][0]["env"]}
        assert env["CALLFLEET_INSTANCE"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"


@each_values
def test_scaled_objects_watch_the_right_groups_and_topics(values):
    docs = render(values)
    _, own = values_of(values)
    scaled = {stage_of(doc): doc for doc in kind(docs, "ScaledObject")}
    deployments = {stage_of(doc): doc for doc in kind(docs, "Deployment")}
    if not own.get("autoscaling", {}).get("enabled"):
        assert not scaled
        assert all("replicas" in doc["spec"] for doc in deployments.values())
        return
    assert set(scaled) == set(deployments)
    prefix = own["kafka"].get("topicPrefix", "")
    for stage, doc in scaled.items():
        assert "replicas" not in deployments[stage]["spec"]
        group = own.get("workers", {}).get(stage, {}).get("config", {}).get("group", "callfleet." + stage)
        triggers = doc["spec"]["triggers"]
        assert [trigger["metadata"]["topic"] for trigger in triggers] == [prefix + topic for topic in TOPICS[stage]]
        for trigger in triggers:
            assert trigger["type"] == "kafka"
            assert trigger["metadata"]["consumerGroup"] == group
            assert trigger["metadata"]["bootstrapServers"] == own["kafka"]["brokers"]
            assert trigger["metadata"]["allowIdleConsumers"] == "false"
            assert all(isinstance(value, str) for value in trigger["metadata"].values())
        assert doc["spec"]["scaleTargetRef"]["name"] == deployments[stage]["metadata"]["name"]
        assert 1 <= doc["spec"]["minReplicaCount"] <= doc["spec"]["maxReplicaCount"]
        assert doc["spec"]["fallback"]["failureThreshold"] >= 1 and doc["spec"]["fallback"]["replicas"] >= 1
        down = doc["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
        assert down["stabilizationWindowSeconds"] >= 300


def test_scaler_credentials_are_by_reference():
    for doc in kind(render(VALUES[[path.stem for path in VALUES].index("secured")]), "ScaledObject"):
        for trigger in doc["spec"]["triggers"]:
            assert trigger["authenticationRef"] == {"name": "callfleet-kafka"}
            assert trigger["metadata"]["sasl"] == "scram_sha512"


@each_values
def test_disruption_budgets(values):
    _, own = values_of(values)
    docs = render(values)
    budgets = kind(docs, "PodDisruptionBudget")
    if own.get("podDisruptionBudget", {}).get("enabled") is False:
        assert not budgets
        return
    assert {stage_of(doc) for doc in budgets} == {stage_of(doc) for doc in kind(docs, "Deployment")}
    for doc in budgets:
        assert doc["spec"]["maxUnavailable"] == 1
        assert doc["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


@each_values
def test_names_and_labels(values):
    seen = set()
    for doc in render(values):
        name = (doc["kind"], doc["metadata"]["name"])
        assert name not in seen
        seen.add(name)
        assert len(doc["metadata"]["name"]) <= 63
        assert doc["metadata"]["labels"]["app.kubernetes.io/part-of"] == "callfleet"


def test_a_changed_configuration_restarts_the_pods():
    def checksums(*args):
        docs = yaml.safe_load_all(template("-f", VALUES[0], *args).stdout)
        return {stage_of(doc): doc["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
                for doc in docs if doc and doc["kind"] == "Deployment"}
    before, after = checksums(), checksums("--set", "workers.lookup.config.deadline_ms=1000")
    assert before["lookup"] != after["lookup"] and before["routing"] == after["routing"]


@pytest.mark.parametrize("bad, says", [
    (["--set", "kafka.brokers="], "kafka.brokers is required"),
    (["--set", "kafka.broker=k:9092"], "broker"),
    (["--set", "kafka.properties.sasl\\.password=hunter2"], "secrets come from an existingSecret"),
    (["--set", "config.http_proxy=http://u:p@proxy:1"], "no password in a URL"),
    (["--set", "redis.url=redis://user:pw@host:1"], "redis.url|/redis/url"),
    (["--set", "salesforce.grant=implicit"], "grant"),
    (["--set", "workers.lookup.replicas=-1"], "replicas"),
    (["--set", "workers.lookup.autoscaling.minReplicas=0"], "minReplicas"),
    (["--set-json", "config={\"a_key\": \"two\\nlines\"}"], "one line"),
    (["--set", "image.digest=latest"], "digest"),
])
def test_bad_values_are_refused(bad, says):
    done = template("-f", VALUES[0], *bad, check=False)
    assert done.returncode != 0
    assert re.search(says, done.stderr), done.stderr


def write_files(text, folder, docs, stage):
    """Puts what the pod would mount under `folder` and returns the INI text with its paths."""
    (folder / "config").mkdir(parents=True)
    for doc in kind(docs, "ConfigMap"):
        if stage_of(doc) == stage:
            for name, content in doc["data"].items():
                (folder / "config" / name).write_text(content)
    for path in re.findall(r"/etc/callfleet/(\S+)", text):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            file.write_text("secret\n")
            file.chmod(0o400)
    return text.replace("/etc/callfleet/", str(folder) + "/")


@each_values
@pytest.mark.parametrize("stage", sorted(TOPICS))
def test_the_workers_accept_their_configuration(values, stage, program, tmp_path):
    docs = render(values)
    text = [doc["data"]["worker.ini"] for doc in kind(docs, "ConfigMap") if stage_of(doc) == stage]
    if not text:
        pytest.skip("not enabled in this value set")
    ini = tmp_path / "worker.ini"
    ini.write_text(write_files(text[0], tmp_path / "etc", docs, stage))
    done = subprocess.run([program(stage + "-worker"), "--config", ini, "--check"], text=True, capture_output=True,
                          check=False, timeout=60)
    assert done.returncode == 0, done.stderr
