package cloud

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"reseed/pkg/fault"
)

// Secret reads the text of a secret in Secrets Manager, by its name or ARN. The error is
// fault.NotFound if there is none, and holds nothing of it.
func Secret(ctx context.Context, name string) (string, error) {
	if name == "" {
		return "", fault.New(fault.NotFound, "no_secret", "no secret is named in the settings")
	}
	c, err := Open(ctx)
	if err != nil {
		return "", err
	}
	out, err := secretsmanager.NewFromConfig(c.aws).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name})
	if _, missing := errors.AsType[*types.ResourceNotFoundException](err); missing {
		return "", fault.Newf(fault.NotFound, "no_secret", "there is no secret %s", name)
	}
	if err != nil {
		return "", fault.Newf(fault.Unavailable, "secret", "the secret %s cannot be read from Secrets Manager", name)
	}
	return aws.ToString(out.SecretString), nil
}
