package dynamo_test

import (
	"os"
	"testing"

	"reseed/pkg/store"
	"reseed/pkg/store/dynamo"
	"reseed/pkg/store/dynamo/dynotest"
	"reseed/pkg/store/storetest"
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
	storetest.Run(t, func(t *testing.T) store.Driver {
		t.Helper()
		return dynamo.New(engine.Table(t))
	})
}
