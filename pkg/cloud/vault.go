package cloud

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"reseed/pkg/credentials"
	"reseed/pkg/fault"
)

// vault keeps credentials in Secrets Manager: one secret for each source.
type vault struct {
	client *secretsmanager.Client
	prefix string
}

// Vault returns the credentials in the secrets PREFIX/SOURCE. It makes no call.
func (c *Cloud) Vault(prefix string) credentials.Vault {
	return &vault{secretsmanager.NewFromConfig(c.aws), prefix}
}

func (v *vault) name(source string) (*string, error) {
	return aws.String(v.prefix + "/" + source), credentials.CheckSource(source)
}

// Get implements [credentials.Vault].
func (v *vault) Get(ctx context.Context, source string) (map[string]string, error) {
	name, err := v.name(source)
	if err != nil {
		return nil, err
	}
	out, err := v.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: name})
	if missing(err) {
		return nil, credentials.ErrNone()
	}
	if err != nil {
		return nil, secretTrouble(err, "read from")
	}
	return credentials.Decode(aws.ToString(out.SecretString))
}

// Put implements [credentials.Vault].
func (v *vault) Put(ctx context.Context, source string, c map[string]string) error {
	name, err := v.name(source)
	if err != nil {
		return err
	}
	text, err := credentials.Encode(c)
	if err != nil {
		return err
	}
	_, err = v.client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: name, SecretString: &text})
	if missing(err) {
		_, err = v.client.CreateSecret(ctx, &secretsmanager.CreateSecretInput{
			Name: name, SecretString: &text, Description: aws.String("With what Reseed reads the billing system of a data source. Reseed makes and deletes it."),
		})
	}
	if _, made := errors.AsType[*types.ResourceExistsException](err); made { // by another process, just now
		_, err = v.client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: name, SecretString: &text})
	}
	return secretTrouble(err, "written to")
}

// Delete implements [credentials.Vault]. The secret cannot be recovered.
func (v *vault) Delete(ctx context.Context, source string) error {
	name, err := v.name(source)
	if err != nil {
		return err
	}
	_, err = v.client.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: name, ForceDeleteWithoutRecovery: aws.Bool(true)})
	if missing(err) {
		return nil
	}
	return secretTrouble(err, "deleted from")
}

func missing(err error) bool {
	_, ok := errors.AsType[*types.ResourceNotFoundException](err)
	return ok
}

// secretTrouble says what could not be done, with the code of the service, which may also be that it is about
// to delete the secret; nil stays nil.
func secretTrouble(err error, done string) error {
	if err == nil {
		return nil
	}
	why := ""
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		why = " (" + api.ErrorCode() + ")"
	}
	return fault.Newf(fault.Unavailable, "secrets", "The credentials cannot be %s Secrets Manager%s. Try again; if it stays so, look at the permissions of the function.", done, why)
}
