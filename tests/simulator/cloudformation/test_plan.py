import pytest

from pkilab.simulator.cloudformation import plan as plans
from pkilab.simulator.cloudformation.template import parse
from pkilab.simulator.service import AwsError

PSEUDO = plans.pseudo_parameters(
    account="111122223333", region="us-east-1", stack_id="arn:stack", stack_name="web"
)


def plan(text, **values):
    template = parse(text)
    plans.check(template)
    given = [{"ParameterKey": k, "ParameterValue": v} for k, v in values.items()]
    return plans.make(template, given, previous={}, tags={}, pseudo=PSEUDO)


def refusal(text, **values):
    with pytest.raises(AwsError) as caught:
        plan(text, **values)
    return caught.value


def resources(*lines):
    return "Resources:\n" + "\n".join(f"  {line}" for line in lines)


ROLE = "R: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}"


def test_a_resource_needs_what_it_refers_to_and_what_it_depends_on():
    found = plan(
        resources(
            "P: {Type: AWS::S3::BucketPolicy, DependsOn: Z, Properties: {Bucket: !Ref B, "
            "PolicyDocument: {R: !Sub '${B.Arn}/${AWS::Region}/*'}}}",
            "B: {Type: AWS::S3::Bucket}",
            "Z: {Type: AWS::Route53::HostedZone, Properties: {Name: a.example}}",
        )
    )
    assert found.needs == {"P": ("B", "Z"), "B": (), "Z": ()}


CONDITIONAL = """
Parameters: {Kind: {Type: String}}
Conditions: {Test: !Equals [!Ref Kind, test]}
Resources:
  A: {Type: AWS::S3::Bucket, Condition: Test}
  B:
    Type: AWS::S3::Bucket
    DependsOn: A
    Properties: {Tags: !If [Test, [{Key: a, Value: !Ref A}], !Ref AWS::NoValue]}
Outputs:
  O: {Condition: Test, Value: !Ref A}
  P: {Value: !If [Test, !Ref A, none]}
"""


def test_a_condition_decides_which_resources_and_outputs_there_are():
    test, other = plan(CONDITIONAL, Kind="test"), plan(CONDITIONAL, Kind="live")
    assert (list(test.resources), list(test.outputs)) == (["A", "B"], ["O", "P"])
    assert (list(other.resources), list(other.outputs)) == (["B"], ["P"])
    assert (test.needs["B"], other.needs["B"]) == (("A",), ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (resources("B: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref Nope}}"),
         "Template format error: Unresolved resource dependencies [Nope] in the Resources block of "
         "the template"),
        (resources("B: {Type: AWS::S3::Bucket, DependsOn: [Z, Y]}"),
         "Template format error: Unresolved resource dependencies [Y, Z] in the Resources block of "
         "the template"),
        (resources("B: {Type: AWS::S3::Bucket}") + "\nOutputs: {O: {Value: !Ref Topic}}",
         "Unresolved resource dependencies [Topic] in the Outputs block of the template"),
        (resources("B: {Type: AWS::S3::Bucket, Properties: {BucketName: !GetAtt X.Arn}}"),
         "Template error: instance of Fn::GetAtt references undefined resource X"),
        (resources("B: {Type: AWS::S3::Bucket}", "C: {Type: AWS::S3::Bucket, Properties: "
                   "{BucketName: !Sub '${B.Size}'}}"),
         "Template error: resource B does not support attribute type Size in Fn::GetAtt"),
        (resources("A: {Type: AWS::S3::Bucket, DependsOn: B}",
                   "B: {Type: AWS::S3::Bucket, DependsOn: A}", "C: {Type: AWS::S3::Bucket, "
                   "DependsOn: A}"),
         "Circular dependency between resources: [A, B]"),
        (resources("A: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref A}}"),
         "Circular dependency between resources: [A]"),
        (resources("A: {Type: AWS::Foo::Bar}", "B: {Type: AWS::ACMPCA::Baz}", "C: {Type: Mine}"),
         "Template format error: Unrecognized resource types: [AWS::Foo::Bar, AWS::ACMPCA::Baz, "
         "Mine]"),
        ("Conditions: {C: !Equals [!Ref B, x]}\n" + resources("B: {Type: AWS::S3::Bucket}"),
         "Template format error: Unresolved dependencies [B]. Cannot reference resources in the "
         "Conditions block of the template"),
        (resources("B: {Type: AWS::S3::Bucket, Condition: C}"),
         "Template format error: Unresolved condition dependency C in the Resources block of the "
         "template (B)"),
        ("Conditions: {C: !Equals [a, b]}\n"
         + resources("A: {Type: AWS::S3::Bucket, Condition: C}",
                     "B: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref A}}"),
         "Template format error: Unresolved resource dependencies [A] in the Resources block of "
         "the template"),
    ],
)  # fmt: skip
def test_references_that_lead_nowhere_or_in_a_circle_are_refused(text, message):
    error = refusal(text)
    assert (error.code, error.message) == ("ValidationError", message)


@pytest.mark.parametrize(
    "kind", ["AWS::EC2::VPC", "AWS::KMS::Key", "Custom::Thing", "AWS::CloudFormation::Stack"]
)
def test_a_type_that_aws_has_and_pkilab_has_not_says_so(kind):
    error = refusal(resources(f"A: {{Type: {kind}}}"))
    assert error.code == "NotImplemented"
    assert error.message == f"the resource type {kind} is not simulated by pkilab"


RULES = """
Parameters: {A: {Type: String, Default: ""}, B: {Type: String, Default: ""}}
Rules:
  NotBoth:
    RuleCondition: !Not [!Equals [!Ref A, ""]]
    Assertions:
      - {Assert: !Equals [!Ref B, ""], AssertDescription: Give A or B}
Resources: {R: {Type: AWS::S3::Bucket}}
"""


def test_a_rule_refuses_values_that_do_not_go_together():
    assert plan(RULES, A="x").values == {"A": "x", "B": ""}
    assert plan(RULES, B="x").values == {"A": "", "B": "x"}
    assert (
        refusal(RULES, A="x", B="x").message == "Template error: Rule NotBoth failed: Give A or B"
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (resources("B: {Type: AWS::S3::Bucket, Properties: {BucketName: b}}"), []),
        (resources(ROLE), ["CAPABILITY_IAM"]),
        (resources(ROLE.replace("{}}", "{}, RoleName: r}")), ["CAPABILITY_NAMED_IAM"]),
    ],
)
def test_iam_resources_take_a_capability_and_named_ones_more(text, wanted):
    found, _ = plans.capabilities(parse(text))
    assert found == wanted
    assert plans.lacks(wanted, ["CAPABILITY_NAMED_IAM"]) == []
    assert plans.lacks(wanted, ["CAPABILITY_IAM"]) == [w for w in wanted if "NAMED" in w]
    assert plans.lacks(wanted, []) == wanted
