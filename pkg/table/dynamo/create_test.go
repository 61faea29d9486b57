package dynamo_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"reseed/internal/templatetest"
	"reseed/pkg/fault"
	"reseed/pkg/table/dynamo"
)

// tables is a stand-in for the calls about tables. It keeps their requests, by operation, and has a
// table from the first CreateTable on.
type tables struct {
	requests map[string]map[string]any
	recovers bool         // point-in-time recovery is on
	notYet   atomic.Int64 // how many calls are refused since a new table cannot be backed up yet
}

func (s *tables) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var request map[string]any
	_ = json.NewDecoder(r.Body).Decode(&request)
	refuse := func(code string) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"com.amazonaws#`+code+`","message":""}`)
	}
	made := s.requests["CreateTable"]
	switch {
	case op == "CreateTable" && made != nil:
		refuse("ResourceInUseException")
		return
	case op == "UpdateContinuousBackups" && s.notYet.Add(-1) >= 0:
		refuse("ContinuousBackupsUnavailableException")
		return
	case op == "UpdateContinuousBackups":
		s.recovers = true
	}
	s.requests[op] = request
	made = s.requests["CreateTable"]
	status := "DISABLED"
	if s.recovers {
		status = "ENABLED"
	}
	answer := map[string]any{
		"Table": map[string]any{
			"TableStatus": "ACTIVE", "KeySchema": made["KeySchema"], "AttributeDefinitions": made["AttributeDefinitions"],
			"BillingModeSummary": map[string]any{"BillingMode": made["BillingMode"]}, "SSEDescription": map[string]any{"Status": "ENABLED"},
		},
		"ContinuousBackupsDescription": map[string]any{
			"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": map[string]any{"PointInTimeRecoveryStatus": status},
		},
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// The table is the one that template.yaml makes.
func TestMakeTableMakesThatOfTheTemplate(t *testing.T) {
	t.Parallel()
	s := &tables{requests: map[string]map[string]any{}}
	s.notYet.Store(1)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	made, err := dynamo.MakeTable(t.Context(), clientOf(server.URL), "t", 35)
	if err != nil || made != (dynamo.Made{New: true, Backups: true}) {
		t.Fatalf("%+v, %v", made, err)
	}
	template := templatetest.Load(t)
	want := template.Resources("AWS::DynamoDB::Table")["Table"]
	recovery := templatetest.Map(want["PointInTimeRecoverySpecification"])
	if days, _ := template.Text(recovery["RecoveryPeriodInDays"]); days != "35" {
		t.Errorf("the template's tables can be restored to %s days ago", days)
	}
	recovery["RecoveryPeriodInDays"] = 35
	want["SSESpecification"] = map[string]any{"Enabled": templatetest.Map(want["SSESpecification"])["SSEEnabled"]}
	got := s.requests["CreateTable"]
	delete(got, "TableName")
	got["PointInTimeRecoverySpecification"] = s.requests["UpdateContinuousBackups"]["PointInTimeRecoverySpecification"]
	if diff := cmp.Diff(text(t, want), text(t, got)); diff != "" {
		t.Errorf("it is not the template's table:\n%s", diff)
	}
	delete(s.requests, "UpdateContinuousBackups")
	made, err = dynamo.MakeTable(t.Context(), clientOf(server.URL), "t", 35)
	if err != nil || made != (dynamo.Made{Backups: true}) || s.requests["UpdateContinuousBackups"] != nil {
		t.Errorf("once more: %+v, %v", made, err)
	}
	s.recovers = false
	if made, err = dynamo.MakeTable(t.Context(), clientOf(server.URL), "t", 35); err != nil || !made.Backups || !s.recovers {
		t.Errorf("without recovery: %+v, %v", made, err)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A table that is there and is not like that stays as it is.
func TestMakeTableRefusesAnotherTable(t *testing.T) {
	t.Parallel()
	client := engine.Client()
	in := &dynamodb.CreateTableInput{
		TableName:            aws.String("other-table"),
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeN}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
		BillingMode:          types.BillingModePayPerRequest,
	}
	if _, err := client.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	_, err := dynamo.MakeTable(t.Context(), client, "other-table", 35)
	if fault.CodeOf(err) != "table_differs" || !strings.Contains(err.Error(), "keys are not pk and sk") || !strings.Contains(err.Error(), "not encrypted") {
		t.Errorf("%v", err)
	}
	_, name := engine.Table(t)
	made, err := dynamo.MakeTable(t.Context(), client, name, 35)
	if err != nil || made != (dynamo.Made{}) { // the engine knows no recovery
		t.Errorf("%+v, %v", made, err)
	}
}
