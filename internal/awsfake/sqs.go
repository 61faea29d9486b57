package awsfake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Limits of SQS: bytes of a message or of a whole batch, entries of a batch.
const (
	maxMessageBytes = 1 << 20
	maxBatch        = 10
)

// account is the account number in queue URLs and ARNs, the same as other local stand-ins use.
const account = "000000000000"

// pollStep is how often a long poll looks at its queue.
const pollStep = 20 * time.Millisecond

// SQS serves a set of standard queues over the JSON protocol of SQS. It is safe for concurrent use.
type SQS struct {
	now    func() time.Time
	mu     sync.Mutex
	queues map[string]*queue
}

// NewSQS returns an SQS with these queues, empty and with SQS's default settings. CreateQueue makes
// more. Visibility timeouts go by now.
func NewSQS(now func() time.Time, queues ...string) *SQS {
	s := &SQS{now: now, queues: map[string]*queue{}}
	for _, name := range queues {
		s.queues[name] = newQueue(name, nil)
	}
	return s
}

// QueueURL returns the URL of a queue in the stand-in at base. The stand-in reads only its last
// part, so a queue is the same under every address of the stand-in.
func QueueURL(base, name string) string {
	return strings.TrimSuffix(base, "/") + "/" + account + "/" + name
}

// apiError is an answer that the SDK turns into an API error with this code.
type apiError struct {
	code, message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func invalid(format string, args ...any) error {
	return &apiError{code: "InvalidParameterValue", message: fmt.Sprintf(format, args...)}
}

func asAPIError(err error) *apiError {
	if api := (*apiError)(nil); errors.As(err, &api) {
		return api
	}
	return &apiError{code: "InternalError", message: err.Error()}
}

// ServeHTTP answers one operation, named by the header X-Amz-Target.
func (s *SQS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
	answer, err := s.serve(r.Context(), r, operation)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if err != nil {
		api := asAPIError(err)
		w.Header().Set("X-Amzn-Query-Error", api.code+";Sender")
		w.WriteHeader(http.StatusBadRequest)
		answer = map[string]string{"__type": "com.amazonaws.sqs#" + api.code, "message": api.message}
	}
	// This fails only if the client has gone away.
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *SQS) serve(ctx context.Context, r *http.Request, operation string) (any, error) {
	switch operation {
	case "CreateQueue":
		return answerTo(r, s.createQueue(r.Host))
	case "GetQueueUrl":
		return answerTo(r, s.getQueueURL(r.Host))
	case "GetQueueAttributes":
		return answerTo(r, s.getQueueAttributes)
	case "SendMessage":
		return answerTo(r, s.sendMessage)
	case "SendMessageBatch":
		return answerTo(r, s.sendMessageBatch)
	case "ReceiveMessage":
		return answerTo(r, func(in receiveInput) (any, error) { return s.receiveMessage(ctx, in) })
	case "DeleteMessage":
		return answerTo(r, s.deleteMessage)
	default:
		return nil, &apiError{code: "InvalidAction", message: "the stand-in has no operation " + operation}
	}
}

// answerTo decodes the request into the input of the operation, and runs it.
func answerTo[T any](r *http.Request, operation func(T) (any, error)) (any, error) {
	var in T
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, invalid("request is not JSON: %v", err)
	}
	return operation(in)
}

type createInput struct {
	QueueName  string
	Attributes map[string]string
}

func (s *SQS) createQueue(host string) func(createInput) (any, error) {
	return func(in createInput) (any, error) {
		if in.QueueName == "" {
			return nil, invalid("QueueName is missing")
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if _, ok := s.queues[in.QueueName]; !ok {
			s.queues[in.QueueName] = newQueue(in.QueueName, in.Attributes)
		}
		return map[string]string{"QueueUrl": QueueURL("http://"+host, in.QueueName)}, nil
	}
}

func (s *SQS) getQueueURL(host string) func(createInput) (any, error) {
	return func(in createInput) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if _, err := s.find(in.QueueName); err != nil {
			return nil, err
		}
		return map[string]string{"QueueUrl": QueueURL("http://"+host, in.QueueName)}, nil
	}
}

type queueInput struct{ QueueUrl string } //nolint:revive // the wire's own name

func (s *SQS) getQueueAttributes(in queueInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Attributes": q.describe(s.now())}, nil
}

// find finds a queue by its URL or name. The caller holds the lock.
func (s *SQS) find(url string) (*queue, error) {
	name := url[strings.LastIndexByte(url, '/')+1:]
	q, ok := s.queues[name]
	if !ok {
		return nil, &apiError{code: "QueueDoesNotExist", message: "there is no queue " + name}
	}
	return q, nil
}

type sendInput struct {
	QueueUrl string //nolint:revive // the wire's own name
	sendEntry
}

func (s *SQS) sendMessage(in sendInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	return q.send(s.now(), in.sendEntry), nil
}

type sendBatchInput struct {
	QueueUrl string //nolint:revive // the wire's own name
	Entries  []sendEntry
}

type failedEntry struct {
	Id, Code, Message string //nolint:revive // the wire's own name
	SenderFault       bool
}

func (s *SQS) sendMessageBatch(in sendBatchInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries); err != nil {
		return nil, err
	}
	sent, failed := []sentEntry{}, []failedEntry{}
	for _, entry := range in.Entries {
		if err := entry.check(); err != nil {
			api := asAPIError(err)
			failed = append(failed, failedEntry{Id: entry.Id, Code: api.code, Message: api.message, SenderFault: true})
			continue
		}
		sent = append(sent, q.send(s.now(), entry))
	}
	return map[string]any{"Successful": sent, "Failed": failed}, nil
}

func checkBatch(entries []sendEntry) error {
	switch {
	case len(entries) == 0:
		return &apiError{code: "EmptyBatchRequest", message: "the batch has no entries"}
	case len(entries) > maxBatch:
		return &apiError{code: "TooManyEntriesInBatchRequest", message: fmt.Sprintf("at most %d entries", maxBatch)}
	}
	seen, bytes := map[string]bool{}, 0
	for _, entry := range entries {
		if seen[entry.Id] {
			return &apiError{code: "BatchEntryIdsNotDistinct", message: "entry id " + entry.Id + " is there twice"}
		}
		seen[entry.Id] = true
		bytes += len(entry.MessageBody)
	}
	if bytes > maxMessageBytes {
		return &apiError{code: "BatchRequestTooLong", message: fmt.Sprintf("at most %d bytes in one batch", maxMessageBytes)}
	}
	return nil
}

type receiveInput struct {
	QueueUrl            string //nolint:revive // the wire's own name
	MaxNumberOfMessages int
	VisibilityTimeout   *int
	WaitTimeSeconds     int
}

func (s *SQS) receiveMessage(ctx context.Context, in receiveInput) (any, error) {
	limit := max(in.MaxNumberOfMessages, 1)
	if limit > maxBatch {
		return nil, invalid("MaxNumberOfMessages is at most %d", maxBatch)
	}
	ctx, stop := context.WithTimeout(ctx, time.Duration(in.WaitTimeSeconds)*time.Second)
	defer stop()
	for {
		messages, err := s.receive(in, limit)
		if err != nil || len(messages) > 0 {
			return map[string]any{"Messages": messages}, err
		}
		select {
		case <-ctx.Done():
			return map[string]any{}, nil
		case <-time.After(pollStep):
		}
	}
}

func (s *SQS) receive(in receiveInput, limit int) ([]received, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	hidden := q.visibility
	if in.VisibilityTimeout != nil {
		hidden = time.Duration(*in.VisibilityTimeout) * time.Second
	}
	return q.receive(s.now(), hidden, limit, s.queues[q.deadLetters]), nil
}

type deleteInput struct {
	QueueUrl      string //nolint:revive // the wire's own name
	ReceiptHandle string
}

func (s *SQS) deleteMessage(in deleteInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if in.ReceiptHandle == "" {
		return nil, &apiError{code: "ReceiptHandleIsInvalid", message: "ReceiptHandle is missing"}
	}
	q.delete(in.ReceiptHandle)
	return map[string]any{}, nil
}
