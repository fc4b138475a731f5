// Command bare is the least that a door could be: the Lambda runtime's
// client and the AWS clients that a door has. The benchmark compares start-up
// with it.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

func main() {
	cfg := aws.Config{Region: "us-east-1"}
	db := dynamodb.NewFromConfig(cfg)
	lambda.Start(func(ctx context.Context, _ events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		// What is never called would not be linked.
		_, err := db.GetItem(ctx, &dynamodb.GetItemInput{})
		return events.APIGatewayV2HTTPResponse{}, err
	})
}
