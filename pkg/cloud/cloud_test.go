package cloud_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"reseed/internal/awsfake"
	"reseed/internal/awsfake/awsfaketest"
	"reseed/pkg/cloud"
	"reseed/pkg/fault"
)

type message struct {
	Job int `json:"job"`
}

// open points the SDK at stand-ins, by its own variables; hence these tests are not parallel.
func open(t *testing.T, s3URL, sqsURL string) *cloud.Cloud {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_ENDPOINT_URL_S3": s3URL, "AWS_ENDPOINT_URL_SQS": sqsURL, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	c, err := cloud.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSenderSendsMoreThanOneBatch(t *testing.T) { //nolint:paralleltest // the environment is everybody's
	_, url := awsfaketest.Start(t, awsfaketest.Resources{Queues: []string{"work"}})
	send := cloud.Sender(open(t, "", url), awsfake.QueueURL(url, "work"), group)
	var messages []message
	for i := range 23 {
		messages = append(messages, message{i})
	}
	if err := send(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
	if err := send(t.Context()); err != nil {
		t.Fatal(err)
	}
	client := sqs.New(sqs.Options{
		Region: "eu-central-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	bodies := map[string]bool{}
	for {
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: aws.String(awsfake.QueueURL(url, "work")), MaxNumberOfMessages: 10,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameMessageGroupId},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			break
		}
		for _, m := range out.Messages {
			bodies[*m.Body] = true
			if g := m.Attributes["MessageGroupId"]; (g == "odd") != strings.HasSuffix(*m.Body, "1}") {
				t.Errorf("%s is of group %q", *m.Body, g)
			}
		}
	}
	if len(bodies) != 23 || !bodies[`{"job":22}`] {
		t.Errorf("received %v", bodies)
	}
}

// group is one for messages whose number ends with a 1; the others have none.
func group(m message) string {
	if m.Job%10 == 1 {
		return "odd"
	}
	return ""
}

func TestSenderFails(t *testing.T) { //nolint:paralleltest // the environment is everybody's
	_, url := awsfaketest.Start(t, awsfaketest.Resources{})
	err := cloud.Sender(open(t, "", url), awsfake.QueueURL(url, "nowhere"), group)(t.Context(), message{1})
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("a missing queue: %v", err)
	}
	partly := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, `{"Successful":[],"Failed":[{"Id":"0","Code":"InternalError","SenderFault":false}]}`)
	}))
	t.Cleanup(partly.Close)
	err = cloud.Sender(open(t, "", partly.URL), partly.URL+"/work", group)(t.Context(), message{1})
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("a message that was not taken: %v", err)
	}
}

func TestObjects(t *testing.T) { //nolint:paralleltest // the environment is everybody's
	url, _ := awsfaketest.Start(t, awsfaketest.Resources{Buckets: []string{"files"}})
	o, err := open(t, url, "").Objects(t.Context(), "files")
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Put(t.Context(), "a/b", strings.NewReader("text")); err != nil {
		t.Fatal(err)
	}
	if info, err := o.Stat(t.Context(), "a/b"); err != nil || info.Size != 4 {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestOpeningMakesNoCall(t *testing.T) {
	down := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a call was made") }))
	t.Cleanup(down.Close)
	t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", down.URL)
	c := open(t, down.URL, down.URL)
	c.Store("reseed")
	if _, err := c.Objects(t.Context(), "files"); err != nil {
		t.Error(err)
	}
	cloud.Sender(c, down.URL+"/q", group)
}
