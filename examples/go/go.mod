module e2ee.example/talk

go 1.22
