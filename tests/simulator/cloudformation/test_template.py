import pytest

from pkilab.simulator.cloudformation.template import parse
from pkilab.simulator.service import AwsError

BUCKET = "Resources: {B: {Type: AWS::S3::Bucket}}"


def refusal(text):
    with pytest.raises(AwsError) as caught:
        parse(text)
    return caught.value


def test_a_templates_sections_are_read():
    found = parse(
        """
        AWSTemplateFormatVersion: 2010-09-09
        Description: a bucket
        Parameters: {P: {Type: String, Default: x}}
        Mappings: {M: {a: {b: c}}}
        Conditions: {C: !Equals [a, a]}
        Resources:
          B:
            Type: AWS::S3::Bucket
            Condition: C
            DependsOn: D
            DeletionPolicy: Retain
            Metadata: {why: because}
            Properties: {BucketName: b}
          D: {Type: AWS::S3::Bucket, DependsOn: [], UpdateReplacePolicy: Retain}
        Outputs:
          O: {Value: !Ref B, Description: its name, Export: {Name: o}}
        """
    )
    bucket, other = found.resources["B"], found.resources["D"]
    assert (found.description, list(found.parameters)) == ("a bucket", ["P"])
    assert (bucket.condition, bucket.depends_on, bucket.deletion_policy) == ("C", ("D",), "Retain")
    assert (bucket.metadata, bucket.properties) == ({"why": "because"}, {"BucketName": "b"})
    assert (other.deletion_policy, other.update_replace_policy) == ("Delete", "Retain")
    assert found.outputs["O"].export == "o"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Foo: 1\n" + BUCKET, "Invalid template property or properties [Foo]"),
        ("Description: x", "Template format error: At least one Resources member must be defined."),
        ("Resources: {}", "Template format error: At least one Resources member must be defined."),
        ("Resources: [a]", "Template format error: Resources must be an object."),
        ("Description: [x]\n" + BUCKET, "Template format error: Description must be a string."),
        (f"Description: {'x' * 1025}\n{BUCKET}",
         "Template format error: 'Description' length is greater than 1024."),
        ("AWSTemplateFormatVersion: 2010-09-10\n" + BUCKET,
         "Template format error: 2010-09-10 is not a supported value."),
        ("Resources: {A-1: {Type: AWS::S3::Bucket}}",
         "Template format error: Resource name A-1 is non alphanumeric."),
        ("Resources: {A: {Properties: {}}}",
         "Template format error: [/Resources/A] Every Resources object must contain a Type "
         "member."),
        ("Resources: {A: x}", "Template format error: Any Resources member must be an object."),
        ("Resources: {A: {Type: AWS::S3::Bucket, Invalid: 1}}",
         "Invalid template resource property 'Invalid'"),
        ("Resources: {A: {Type: AWS::S3::Bucket, DeletionPolicy: Keep}}",
         "Template format error: Unrecognized DeletionPolicy Keep for resource A"),
        ("Resources: {A: {Type: AWS::S3::Bucket, DeletionPolicy: Snapshot}}",
         "Template error: resource type AWS::S3::Bucket does not support deletion policy Snapshot"),
        ("Outputs: {O: {Description: x}}\n" + BUCKET,
         "Template format error: Every Outputs member must contain a Value object"),
        ("Outputs: {O: {Value: x, Export: o}}\n" + BUCKET,
         "Template format error: Output O has an Export without a Name."),
        ("Parameters: {P: {Default: x}}\n" + BUCKET,
         "Template format error: Every Parameters object must contain a Type member."),
        ("Parameters: {P: {Type: String, Defualt: x}}\n" + BUCKET,
         "Invalid template parameter property 'Defualt'"),
        ("Mappings: {M: {a: b}}\n" + BUCKET,
         "Template format error: Every Mappings member M must be a map"),
        ("Mappings: {M: {a: {b: {c: d}}}}\n" + BUCKET,
         "Template format error: Every Mappings attribute must be a String or a List."),
    ],
)  # fmt: skip
def test_a_template_that_is_wrong_is_refused_in_awss_words(text, message):
    error = refusal(text)
    assert (error.code, error.message) == ("ValidationError", message)


def test_five_hundred_resources_are_taken_and_one_more_is_not():
    lines = [f"  R{i}: {{Type: AWS::S3::Bucket}}" for i in range(501)]
    assert len(parse("\n".join(["Resources:", *lines[:500]])).resources) == 500
    message = (
        "Template format error: Number of resources, 501, is greater than maximum allowed, 500"
    )
    assert refusal("\n".join(["Resources:", *lines])).message == message


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Transform: AWS::Serverless-2016-10-31\n" + BUCKET, "a template with Transform"),
        ("Hooks: {}\n" + BUCKET, "a template with Hooks"),
        ("Resources: {A: {Type: AWS::S3::Bucket, CreationPolicy: {}}}", "CreationPolicy of a"),
    ],
)
def test_what_is_not_simulated_says_so(text, what):
    error = refusal(text)
    assert error.code == "NotImplemented"
    assert error.message.startswith(what)
