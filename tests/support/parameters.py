"""Values of template.yaml's parameters, each away from its default: for a REST API and for a function URL."""

from typing import Final

NETWORK: Final = {
    "SubnetIds": "subnet-0a1b2c3d4e5f67890,subnet-0b1b2c3d4e5f67890",
    "SecurityGroupIds": "sg-0a1b2c3d4e5f67890",
}
DOMAIN: Final = {
    "DomainName": "clothes.example.com",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/1a-2b",
}
DOMAIN_WITH_RECORD: Final = {**DOMAIN, "DomainBasePath": "v1", "HostedZoneId": "Z123"}
SIGNED_URL: Final = {"FrontDoor": "FunctionUrl"}
PUBLIC_URL: Final = {**SIGNED_URL, "FunctionUrlAuth": "NONE", "HttpReservedConcurrency": "10"}

_OF_BOTH: Final = {
    "Architecture": "arm64",
    "MemorySize": "2048",
    "WorkerTimeout": "300",
    "WorkerConcurrency": "20",
    "BatchSize": "100",
    "BatchingWindowSeconds": "5",
    "DownloadsAtOnce": "16",
    "TagObjects": "on",
    "EventBusName": "default",
    "UploadsBucketNames": "my-photos,her-photos",
    "UploadsPrefix": "incoming/",
    "UploadsSuffix": ".jpg",
    "HttpReservedConcurrency": "20",
    "WorkerReservedConcurrency": "30",
    "LogRetentionDays": "7",
    "CorsOrigins": "https://shop.example",
    "RequestsPerSecond": "10",
    "RequestBurst": "20",
    "TicketsPerSecond": "1",
    "TicketBurst": "2",
    "MonthlyBudget": "50",
    "Docs": "off",
    "SnapStart": "off",
    "GradualDeployment": "AllAtOnce",
    "AlarmEmail": "me@example.com",
    "LatencyThresholdMilliseconds": "1000",
    "UnknownRateThreshold": "0.5",
    "Metrics": "off",
    "LogLevel": "WARNING",
    "Tracing": "Active",
    "MaxBatchImages": "16",
    "MaxBatchPixels": "50000000",
    "RequestSeconds": "10",
    "KnownThreshold": "0.5",
    "ConfidentThreshold": "0.95",
    "MaxUploadBytes": "20000000",
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1a-2b",
    "PermissionsBoundary": "arn:aws:iam::123456789012:policy/bounds",
    "UploadDays": "1",
    "OldVersionDays": "1",
    **NETWORK,
}
OF_REST_API: Final = {
    **_OF_BOTH,
    "ApiUploads": "on",
    "Corrections": "on",
    "Authorizer": "JWT",
    "UserPoolArn": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_abc",
    "RequireApiKey": "on",
    "ApiKeyDailyQuota": "1000",
    "RequestsPerAddress": "100",
    "AccessLogs": "on",
    "ApiGatewayAccountRole": "on",
    **DOMAIN_WITH_RECORD,
}
OF_FUNCTION_URL: Final = {**_OF_BOTH, **PUBLIC_URL}
OF_ORGANIZATION: Final = {
    "WebAclArn": "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/a/1a-2b"
}  # excludes an own one
