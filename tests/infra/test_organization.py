"""Rules of an organization: a key of KMS, a permissions boundary and an existing web ACL, each off by default."""

from typing import Any

import pytest

from tests.support.emulated_stack import transformed
from tests.support.template import PARAMETERS

pytestmark = pytest.mark.slow

IF_KEY = {"Fn::If": ["HasKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}


def resources_of(kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: each.get("Properties", {}) for name, each in transformed()["Resources"].items() if each["Type"] == kind
    }


def test_each_is_off_by_default() -> None:
    assert {PARAMETERS[name]["Default"] for name in ("KmsKeyArn", "PermissionsBoundary", "WebAclArn")} == {""}


def test_every_role_has_the_boundary() -> None:
    """SAM's own roles, too: an organization may refuse to create a role without it."""
    roles = resources_of("AWS::IAM::Role")
    boundary = {"Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundary"}, {"Ref": "AWS::NoValue"}]}
    assert len(roles) >= 6
    assert {name: each.get("PermissionsBoundary") for name, each in roles.items()} == dict.fromkeys(roles, boundary)


def test_every_bucket_queue_and_log_is_encrypted_with_the_key() -> None:
    for properties in resources_of("AWS::S3::Bucket").values():
        (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        condition, with_key, without = rule["ServerSideEncryptionByDefault"]["Fn::If"]
        assert (condition, without) == ("HasKey", {"SSEAlgorithm": "AES256"})
        assert with_key == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Ref": "KmsKeyArn"}}
    for properties in resources_of("AWS::SQS::Queue").values():
        assert properties["KmsMasterKeyId"] == IF_KEY
        assert properties["SqsManagedSseEnabled"] == {"Fn::If": ["HasKey", {"Ref": "AWS::NoValue"}, True]}
    for properties in resources_of("AWS::Logs::LogGroup").values():
        assert properties["KmsKeyId"] == IF_KEY


@pytest.mark.parametrize("role", ["HttpFunctionRole", "WorkerFunctionRole", "BackfillRole", "BatchOperationsRole"])
def test_role_that_reads_or_writes_may_use_only_this_key(role: str) -> None:
    (policy,) = resources_of("AWS::IAM::Role")[role]["Policies"]
    (granted,) = [
        each["Fn::If"][1] for each in policy["PolicyDocument"]["Statement"] if each.get("Fn::If", [None])[0] == "HasKey"
    ]
    assert granted["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert granted["Resource"] == {"Ref": "KmsKeyArn"}


def test_existing_web_acl_is_associated_in_place_of_the_own_one() -> None:
    (association,) = resources_of("AWS::WAFv2::WebACLAssociation").values()
    own = {"Fn::GetAtt": ["WebAcl", "Arn"]}
    assert association["WebACLArn"] == {"Fn::If": ["HasWebAcl", {"Ref": "WebAclArn"}, own]}
