package templatetest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reseed/internal/templatetest"
	"reseed/pkg/config"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

func TestEveryFolderIsAFunctionWithEvents(t *testing.T) {
	t.Parallel()
	template := templatetest.Load(t)
	folders := template.Folders(t)
	if diff := cmp.Diff(folders, slices.Sorted(maps.Keys(template.Functions()))); diff != "" || len(folders) == 0 {
		t.Errorf("-functions/ +template.yaml\n%s", diff)
	}
	events := map[string]bool{}
	for _, e := range template.Events(t) {
		events[e.Function] = true
		if !json.Valid(e.Body) {
			t.Errorf("events/%s.json is not JSON", e.Name)
		}
	}
	if diff := cmp.Diff(folders, slices.Sorted(maps.Keys(events))); diff != "" {
		t.Errorf("-functions/ +events/\n%s", diff)
	}
}

// deletes reports whether an action removes data.
func deletes(action string) bool {
	return strings.HasPrefix(action, "dynamodb:Delete") || strings.HasPrefix(action, "s3:Delete") || action == "dynamodb:BatchWriteItem"
}

func TestRightsToDelete(t *testing.T) {
	t.Parallel()
	items := map[string]bool{"delete-source": true, "delete-manual-customers": true, "tick": true, "api": true}
	files := map[string]bool{"delete-source": true, "delete-manual-customers": true}
	for folder, f := range templatetest.Load(t).Functions() {
		for _, r := range f.Rights {
			for _, a := range r.Actions {
				switch {
				case a == "dynamodb:BatchWriteItem" && folder == "import-chunk": // for its puts; IAM cannot allow these alone
				case strings.HasPrefix(a, "dynamodb:") && deletes(a) && !items[folder] && !onlyLedger(r):
					t.Errorf("%s may %s (%s)", folder, a, r.Sid)
				case strings.HasPrefix(a, "s3:") && deletes(a) && !files[folder] && !onlyOfJobs(r) && !onlyStrays(folder, r):
					t.Errorf("%s may %s on uploads (%s)", folder, a, r.Sid)
				}
			}
		}
	}
}

// onlyOfJobs reports whether a right is only for what jobs have made.
func onlyOfJobs(r templatetest.Right) bool {
	return below(r, "/jobs/*") || below(r, "/jobs/*/export/*") || below(r, "/jobs/*/export/export.zip")
}

// onlyStrays reports whether a right is only for uploads that may belong to no import.
func onlyStrays(folder string, r templatetest.Right) bool {
	return folder == "api" && (below(r, "/uploads/ds_*/*/input") || below(r, "/uploads/ds_*/*/upload.json")) || folder == "tick" && below(r, "/uploads/ds_*")
}

// onlyLedger reports whether a right is only for the partition of the ledger: locks and marks of
// jobs are released by deleting them.
func onlyLedger(r templatetest.Right) bool {
	want := map[string]any{
		"ForAllValues:StringEquals": map[string]any{"dynamodb:LeadingKeys": []any{store.AccountPK}},
		"Null":                      map[string]any{"dynamodb:LeadingKeys": "false"},
	}
	return cmp.Equal(r.Condition, any(want))
}

func below(r templatetest.Right, suffix string) bool {
	for _, res := range r.Resources {
		if text, _ := templatetest.Map(res)["Fn::Sub"].(string); !strings.HasSuffix(text, suffix) {
			return false
		}
	}
	return len(r.Resources) > 0
}

func TestRightsAreNarrow(t *testing.T) {
	t.Parallel()
	for folder, f := range templatetest.Load(t).Functions() {
		if len(f.Rights) == 0 {
			t.Errorf("%s has no policy of its own", folder)
		}
		for _, r := range f.Rights {
			for _, a := range r.Actions {
				if strings.Contains(a, "*") || a == "dynamodb:Scan" {
					t.Errorf("%s may %s", folder, a)
				}
			}
			for _, res := range r.Resources {
				if text, ok := res.(string); ok {
					t.Errorf("%s has a right on %q, not on a resource of ours", folder, text)
				}
			}
		}
	}
}

func TestSettingsAreWhatTheCodeReads(t *testing.T) {
	t.Parallel()
	template := templatetest.Load(t)
	for folder, f := range template.Functions() {
		var environ []string
		for name, v := range f.Variables {
			text, ok := template.Text(v)
			if !ok { // known only when the stack is created
				text = strings.Repeat("ab", 32)
			}
			environ = append(environ, name+"="+text)
		}
		needs := config.Table | config.Bucket | config.Queues
		if folder == "api" {
			needs |= config.Keys
		}
		if _, err := config.Read(environ, needs); err != nil {
			t.Errorf("%s: %v", folder, err)
		}
		for _, name := range []string{"AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SQS"} {
			if v, ok := f.Variables[name]; !ok || v != "" {
				t.Errorf("%s: %s must be declared, and empty: sam local overrides only what is declared", folder, name)
			}
		}
		checkMemory(t, folder, f)
	}
}

func checkMemory(t *testing.T, folder string, f templatetest.Function) {
	t.Helper()
	var limit int
	if _, err := fmt.Sscanf(fmt.Sprint(f.Variables["GOMEMLIMIT"]), "%dMiB", &limit); err != nil {
		t.Fatalf("%s: GOMEMLIMIT: %v", folder, err)
	}
	if limit < f.Memory*70/100 || limit > f.Memory*80/100 || f.Variables["GOGC"] != "off" {
		t.Errorf("%s: GOMEMLIMIT is %d MiB of %d MB with GOGC=%v; 70 to 80 percent and off are wanted", folder, limit, f.Memory, f.Variables["GOGC"])
	}
}

// notify settles messages in the partition of the ledger, and sends mail from one address. It sees no
// record and no file.
func TestRightsOfNotify(t *testing.T) {
	t.Parallel()
	for _, r := range templatetest.Load(t).Functions()["notify"].Rights {
		from := map[string]any{"StringEquals": map[string]any{"ses:FromAddress": map[string]any{"Ref": "MailFrom"}}}
		sends := strings.HasPrefix(r.Actions[0], "ses:Send") && cmp.Equal(r.Condition, any(from))
		if !sends && !onlyLedger(r) {
			t.Errorf("%s: %v, %v", r.Sid, r.Actions, r.Condition)
		}
	}
}

// pull keeps the ledger and what jobs have made, and reads one secret. It sees no record and no upload.
func TestRightsOfPull(t *testing.T) {
	t.Parallel()
	ledger := map[string]any{
		"ForAllValues:StringLike": map[string]any{"dynamodb:LeadingKeys": []any{store.AccountPK, "account.tombstones", "account.readings", store.PullsPK, "account.tallies", "job#*"}},
		"Null":                    map[string]any{"dynamodb:LeadingKeys": "false"},
	}
	for _, r := range templatetest.Load(t).Functions()["pull"].Rights {
		switch service, _, _ := strings.Cut(r.Actions[0], ":"); {
		case service == "sqs":
		case service == "dynamodb" && (onlyLedger(r) || cmp.Equal(r.Condition, any(ledger))):
		case service == "s3" && (onlyOfJobs(r) || strings.HasPrefix(r.Actions[0], "s3:List")):
		case service == "secretsmanager" && len(r.Actions) == 1 && below(r, ":secret:${GoogleSecret}-*"):
		case service == "secretsmanager" && below(r, credentialsOfSources):
		default:
			t.Errorf("%s: %v, %v", r.Sid, r.Actions, r.Condition)
		}
	}
}

// credentialsOfSources are the secrets with the credentials of billing systems.
const credentialsOfSources = ":secret:${AWS::StackName}/sources/ds_*"

// Only pull may read credentials of billing systems, which the API has it do; those of a source that is gone for good are
// deleted by the function that sweeps it.
func TestRightsOnCredentials(t *testing.T) {
	t.Parallel()
	template := templatetest.Load(t)
	for folder, f := range template.Functions() {
		var rights []string
		for _, r := range f.Rights {
			switch service, _, _ := strings.Cut(r.Actions[0], ":"); {
			case service == "secretsmanager" && !below(r, ":secret:${GoogleSecret}-*"):
				if rights = append(rights, r.Actions...); !below(r, credentialsOfSources) {
					t.Errorf("%s: %s is for other secrets, too", folder, r.Sid)
				}
			case service == "lambda":
				if rights = append(rights, r.Actions...); !cmp.Equal(r.Resources, []any{map[string]any{"Fn::GetAtt": "Pull.Arn"}}) {
					t.Errorf("%s: %s is for other functions, too", folder, r.Sid)
				}
			}
		}
		want := map[string][]string{
			"api": {"lambda:InvokeFunction"}, "delete-source": {"secretsmanager:DeleteSecret"},
			"pull": {"secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:CreateSecret", "secretsmanager:DeleteSecret"},
		}
		if diff := cmp.Diff(want[folder], rights); diff != "" {
			t.Errorf("%s: -want +got\n%s", folder, diff)
		}
		at, has := f.Variables["RESEED_CREDENTIALS"]
		if has != (folder == "pull" || folder == "delete-source") || has && !cmp.Equal(at, any(map[string]any{"Fn::Sub": "${AWS::StackName}/sources"})) {
			t.Errorf("%s looks for credentials at %v", folder, at)
		}
	}
}

func TestQueuesAndTheirFunctions(t *testing.T) {
	t.Parallel()
	template := templatetest.Load(t)
	queues := template.Resources("AWS::SQS::Queue")
	for id, q := range queues {
		if q["SqsManagedSseEnabled"] != true {
			t.Errorf("%s is not encrypted", id)
		}
		if !strings.Contains(id, "Dead") && queues[deadLetters(q)] == nil {
			t.Errorf("%s has no dead-letter queue", id)
		}
	}
	worked := map[string]bool{}
	for folder, f := range template.Functions() {
		on := f.Triggers["SQS"]
		if on == nil {
			continue
		}
		id := strings.TrimSuffix(fmt.Sprint(templatetest.Map(on["Queue"])["Fn::GetAtt"]), ".Arn")
		worked[id] = true
		visible, _ := queues[id]["VisibilityTimeout"].(int)
		if float64(visible) < 6*f.Timeout.Seconds() {
			t.Errorf("%s: messages of %s are visible again after %d s, less than six times its timeout", folder, id, visible)
		}
		if !cmp.Equal(on["FunctionResponseTypes"], any([]any{"ReportBatchItemFailures"})) {
			t.Errorf("%s fails whole batches", folder)
		}
		if templatetest.Map(on["ScalingConfig"])["MaximumConcurrency"] == nil {
			t.Errorf("%s has no cap on its concurrency", folder)
		}
	}
	for id := range queues {
		if !strings.Contains(id, "Dead") && !worked[id] {
			t.Errorf("no function works on %s", id)
		}
	}
}

func deadLetters(q map[string]any) string {
	arn := templatetest.Map(templatetest.Map(q["RedrivePolicy"])["deadLetterTargetArn"])
	return strings.TrimSuffix(fmt.Sprint(arn["Fn::GetAtt"]), ".Arn")
}

// A restored table takes the place of the stack's own by one parameter: functions work with it, and
// have all their rights there, and none at the other one.
func TestARestoredTable(t *testing.T) {
	t.Parallel()
	either := func(restored map[string]any, own map[string]any) any {
		return map[string]any{"Fn::If": []any{"Restored", restored, own}}
	}
	name := either(map[string]any{"Ref": "RestoredTable"}, map[string]any{"Ref": "Table"})
	arn := either(
		map[string]any{"Fn::Sub": "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${RestoredTable}"},
		map[string]any{"Fn::GetAtt": "Table.Arn"})
	for folder, f := range templatetest.Load(t).Functions() {
		if diff := cmp.Diff(name, f.Variables["RESEED_TABLE"]); diff != "" {
			t.Errorf("%s works with another table: -want +got\n%s", folder, diff)
		}
		for _, r := range f.Rights {
			if !strings.HasPrefix(r.Actions[0], "dynamodb:") {
				continue
			}
			if diff := cmp.Diff([]any{arn}, r.Resources); diff != "" {
				t.Errorf("%s, %s: -want +got\n%s", folder, r.Sid, diff)
			}
		}
	}
}

func TestTableAndBucket(t *testing.T) {
	t.Parallel()
	template := templatetest.Load(t)
	resource := template.Resources("AWS::DynamoDB::Table")["Table"]
	var keys []string
	for _, k := range templatetest.List(resource["KeySchema"]) {
		keys = append(keys, fmt.Sprint(templatetest.Map(k)["AttributeName"]))
	}
	if diff := cmp.Diff([]string{table.AttrPK, table.AttrSK}, keys); diff != "" {
		t.Errorf("keys: -want +got\n%s", diff)
	}
	if resource["BillingMode"] != "PAY_PER_REQUEST" || resource["GlobalSecondaryIndexes"] != nil || resource["LocalSecondaryIndexes"] != nil {
		t.Error("the resource is on demand and has no index")
	}
	if templatetest.Map(resource["PointInTimeRecoverySpecification"])["PointInTimeRecoveryEnabled"] != true {
		t.Error("the resource cannot be restored to a point in time")
	}
	bucket := template.Resources("AWS::S3::Bucket")["Bucket"]
	if templatetest.Map(bucket["VersioningConfiguration"])["Status"] != "Enabled" {
		t.Error("the bucket keeps no versions")
	}
	for folder, f := range template.Functions() {
		if !cmp.Equal(f.Variables["RESEED_BUCKET"], bucket["BucketName"]) {
			t.Errorf("%s works on another bucket: %v", folder, f.Variables["RESEED_BUCKET"])
		}
	}
}
