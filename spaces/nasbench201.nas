// NAS-Bench-201 (Dong, Yang, ICLR 2020): a cell of four nodes with an operation on each of its six edges, N times in
// each of three stages. 5^6 = 15,625 architectures; `none` is an alternative like the others.
space nasbench201(C = 16, N = 5, classes = 10, size = 32) {
  input image: [3, size, size]

  block edge(x) {
    choose op in { none, skip_connect: skip, nor_conv_1x1: relu_conv_bn(k = 1), nor_conv_3x3: relu_conv_bn(k = 3),
                   avg_pool_3x3: avg_pool(k = 3) }
    return x >> op()
  }
  tied block cell(x) {
    n[0] = x
    for i in 1..4 { n[i] = sum(edge(n[j]) for j in 0..i) }
    return n[3]
  }
  block residual(x, c) = sum(x >> relu_conv_bn(c, k = 3, stride = 2) >> relu_conv_bn(c, k = 3),
                             x >> avg_pool(k = 2, stride = 2) >> conv(c, k = 1))

  y[0] = image >> conv_bn(C, k = 3)
  for s in 0..3 {
    z[s, 0] = y[s] if s == 0 else residual(y[s], C * 2^s)
    for i in 0..N { z[s, i+1] = cell(z[s, i]) }
    y[s+1] = z[s, N]
  }

  task classify = y[3] >> bn_relu() >> global_avg_pool() >> linear(classes) {
    loss cross_entropy()
    metric accuracy
  }

  preset cifar100(classes = 100) { }
  preset imagenet16(classes = 120, size = 16) { }      // ImageNet16-120
}
