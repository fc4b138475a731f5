package dynamotest

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestChangesComeAsLambdaGivesThem(t *testing.T) {
	t.Parallel()
	tb := NewStreaming(t)
	key := map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "a"}, "SK": &types.AttributeValueMemberS{Value: "b"}}
	for _, said := range []string{"one", "two", "two"} {
		if _, err := tb.Client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &tb.Name, Key: key, UpdateExpression: aws.String("SET Outbox = :o ADD N :n"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":o": &types.AttributeValueMemberS{Value: said}, ":n": &types.AttributeValueMemberN{Value: "1"}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tb.Client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &tb.Name, Key: key}); err != nil {
		t.Fatal(err)
	}
	got := tb.Changes(t)
	if len(got) != 4 || got[0].EventName != "INSERT" || got[2].EventName != "MODIFY" || got[3].EventName != "REMOVE" {
		t.Fatalf("got %+v, want an insert, two changes and a removal", got)
	}
	if c := got[1].Change; c.OldImage["Outbox"].String() != "one" || c.NewImage["Outbox"].String() != "two" || c.Keys["PK"].String() != "a" || c.SequenceNumber == "" {
		t.Errorf("got %+v", c)
	}
	if said := tb.Outboxes(t); len(said) != 2 || said["one"] != 1 || said["two"] != 1 {
		t.Errorf("got %v, want one and two, each once", said)
	}
}
