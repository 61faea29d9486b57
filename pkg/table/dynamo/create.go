package dynamo

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"reseed/pkg/fault"
	"reseed/pkg/table"
)

// tableWait is how long a new table may take to become active, and again until it can be backed up.
const tableWait = 2 * time.Minute

// Made is what [MakeTable] has found or made.
type Made struct {
	New     bool // there was no such table
	Backups bool // point-in-time recovery is on
}

// MakeTable makes the table that template.yaml makes, and waits until it can be used: keys pk and
// sk, on-demand capacity, encrypted with a key of the account, and with point-in-time recovery for
// some days. If there is a table of that name, it only turns on the recovery, should that be off. If
// that table differs in anything else, the error is fault.Conflict, code table_differs. Services
// that stand in for DynamoDB may not know the recovery: then Backups is false.
func MakeTable(ctx context.Context, client *dynamodb.Client, name string, backupDays int) (Made, error) {
	var made Made
	switch err := CreateTable(ctx, client, name); {
	case err == nil:
		made.New = true
	case errorCode(err) != "ResourceInUseException":
		return made, err
	}
	is, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(name)})
	if err != nil {
		return made, failure(err)
	}
	if differs := differences(is.Table); len(differs) > 0 {
		return made, fault.Newf(fault.Conflict, "table_differs", "there is a table %q, but it is another one than Reseed needs: %s", name, strings.Join(differs, "; "))
	}
	made.Backups, err = backUp(ctx, client, name, backupDays)
	return made, err
}

// CreateTable creates a table as template.yaml has it, except for its recovery, and waits until it
// can be used.
func CreateTable(ctx context.Context, client *dynamodb.Client, name string) error {
	_, err := client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String(name),
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String(table.AttrPK), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String(table.AttrSK), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String(table.AttrPK), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String(table.AttrSK), KeyType: types.KeyTypeRange},
		},
		BillingMode:      types.BillingModePayPerRequest,
		SSESpecification: &types.SSESpecification{Enabled: aws.Bool(true)},
	})
	if err != nil {
		return failure(err)
	}
	return active(ctx, client, name)
}

func active(ctx context.Context, client *dynamodb.Client, name string) error {
	wait := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, 5*time.Second
	})
	return failure(wait.Wait(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(name)}, tableWait))
}

// differences says in which ways a table is not as [CreateTable] makes it.
func differences(is *types.TableDescription) (list []string) {
	keys := map[string]types.KeyType{}
	for _, k := range is.KeySchema {
		keys[aws.ToString(k.AttributeName)] = k.KeyType
	}
	text := map[string]bool{}
	for _, a := range is.AttributeDefinitions {
		text[aws.ToString(a.AttributeName)] = a.AttributeType == types.ScalarAttributeTypeS
	}
	if len(keys) != 2 || keys[table.AttrPK] != types.KeyTypeHash || keys[table.AttrSK] != types.KeyTypeRange || !text[table.AttrPK] || !text[table.AttrSK] {
		list = append(list, "its keys are not pk and sk, both strings")
	}
	if len(is.GlobalSecondaryIndexes)+len(is.LocalSecondaryIndexes) > 0 {
		list = append(list, "it has indexes, which cost write units and which nobody reads")
	}
	if is.BillingModeSummary == nil || is.BillingModeSummary.BillingMode != types.BillingModePayPerRequest {
		list = append(list, "its capacity is not on demand")
	}
	if is.SSEDescription == nil || is.SSEDescription.Status != types.SSEStatusEnabled {
		list = append(list, "it is not encrypted with a key of the account")
	}
	return list
}

// backUp turns point-in-time recovery on, unless it is. A new table takes a while until it can be
// turned on.
func backUp(ctx context.Context, client *dynamodb.Client, name string, days int) (on bool, err error) {
	is, err := client.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: aws.String(name)})
	if err == nil && is.ContinuousBackupsDescription != nil {
		if p := is.ContinuousBackupsDescription.PointInTimeRecoveryDescription; p != nil && p.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled {
			return true, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, tableWait)
	defer cancel()
	for {
		_, err := client.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{
			TableName: aws.String(name),
			PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{
				PointInTimeRecoveryEnabled: aws.Bool(true), RecoveryPeriodInDays: aws.Int32(int32(days)), //nolint:gosec // 1 to 35
			},
		})
		switch errorCode(err) {
		case "":
			return err == nil, failure(err)
		case "UnknownOperationException":
			return false, nil
		case "ContinuousBackupsUnavailableException":
		default:
			return false, failure(err)
		}
		timer := time.NewTimer(time.Second)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false, failure(err)
		}
	}
}

// errorCode is the code of the service in an error; "" if there is none.
func errorCode(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}
