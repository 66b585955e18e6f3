module framegen

go 1.27
