package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"reseed/internal/awsfake/awsfaketest"
	"reseed/pkg/table/dynamo/dynotest"
)

// TestScriptsOnAWS runs the command against stand-ins for DynamoDB, with a table, and S3, with
// buckets.
func TestScriptsOnAWS(t *testing.T) {
	t.Parallel()
	var engine dynotest.Engine
	if err := engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Stop)
	bucket, _ := awsfaketest.Start(t, awsfaketest.Resources{Buckets: []string{"files", "moved"}})
	_, table := engine.Table(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/aws",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			for name, value := range map[string]string{
				"RESEED_STORE": "dynamodb", "RESEED_TABLE": table, "AWS_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true",
				"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "the-secret",
				"AWS_ENDPOINT_URL_DYNAMODB": engine.URL(), "AWS_ENDPOINT_URL_S3": bucket,
			} {
				env.Setenv(name, value)
			}
			return nil
		},
		Cmds: scriptCommands(),
	})
}
