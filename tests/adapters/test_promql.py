"""The pattern for a Deployment's pods, against the names that Kubernetes gives them."""

import re

import pytest

from hotfix.adapters.promql import pods_pattern
from hotfix.cli.copying import patched_name

LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # k8s.io/apimachinery/pkg/util/rand
HASHES = [LETTERS[:length] for length in (6, 7, 8, 9, 10)]
STEM = "payments-checkout-service-production-eu-west-customer-facing-one"
LENGTHS = range(36, 64)


def named(length: int, end: str = "z") -> str:
    """A Deployment's name of so many characters."""
    return STEM[: length - len(end)] + end


def pod(deployment: str, template_hash: str) -> str:
    """As the ReplicaSet controller and the API server's generator of names make it (k8s.io/apiserver/pkg/storage/names)."""
    return f"{deployment}-{template_hash}-"[:58] + LETTERS[-5:]


def fits(deployment: str, name: str) -> bool:
    return re.fullmatch(pods_pattern(deployment), name) is not None


@pytest.mark.parametrize("length", LENGTHS)
def test_the_pattern_fits_the_pods_of_a_deployment_however_long_its_name(length: int) -> None:
    missed = [name for digest in HASHES if not fits(named(length), name := pod(named(length), digest))]
    assert missed == []


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("number", [1, 2])
def test_neither_side_counts_the_pods_of_the_other(length: int, number: int) -> None:
    stable = named(length)
    patched = patched_name(stable, number)
    assert len(patched) <= 57
    for one, other in ((stable, patched), (patched, stable), (patched_name(stable, 3 - number), patched)):
        assert [name for digest in HASHES if fits(one, name := pod(other, digest))] == []


@pytest.mark.parametrize("length", range(36, 50))
@pytest.mark.parametrize("end", ["-hotfix", "-hotfix2026", "-emergency", "-v2"])
def test_a_deployment_whose_name_goes_on_has_other_pods(length: int, end: str) -> None:
    assert not any(fits(named(length), pod(named(length) + end, digest)) for digest in HASHES)


def test_dots_are_dots() -> None:
    assert fits("a.b", pod("a.b", HASHES[-1]))
    assert not fits("a.b", pod("axb", HASHES[-1]))
