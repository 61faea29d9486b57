package dynamo_test

import (
	"os"
	"testing"

	"reseed/pkg/store/storetest"
	"reseed/pkg/table"
	"reseed/pkg/table/dynamo"
	"reseed/pkg/table/dynamo/dynotest"
	"reseed/pkg/table/tabletest"
)

var engine dynotest.Engine

func TestMain(m *testing.M) {
	if os.Getenv(serviceEnv) != "" {
		os.Exit(serve())
	}
	os.Exit(engine.Run(m))
}

func TestConformance(t *testing.T) {
	t.Parallel()
	fresh := func(t *testing.T) table.Driver {
		t.Helper()
		return dynamo.New(engine.Table(t))
	}
	tabletest.Run(t, fresh)
	storetest.Run(t, fresh)
}
