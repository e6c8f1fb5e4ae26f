# sam enters the folder of template.yaml's Architecture: the one thing that a makefile build is told about it.
MACHINE := x86_64
